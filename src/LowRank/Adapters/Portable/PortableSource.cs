using LowRank.Formats;

namespace LowRank.Adapters;

/// <summary>An adapter on its way to its portable form: what is to be written is known from configuration and shapes; the matrices are read one by one.</summary>
internal sealed class PortableSource : IDisposable
{
    private readonly AdapterFolder folder;
    private readonly List<(TensorInfo Info, string Name, AdapterTensorKind Kind, double Scaling, int Rank)> read = [];

    private PortableSource(AdapterFolder folder)
    {
        this.folder = folder;
        if (PortableAdapter.Problem(folder.Config) is { } problem) throw new AdapterException(folder.Path, $"it has no portable form: {problem}.");
        var config = (LoraConfig)folder.Config;
        if (config.TargetModules?.Kind is not (ModulePatternKind.Names or ModulePatternKind.Regex)) throw new AdapterException(folder.Path, "target_modules in adapter_config.json does not name modules, so it is not known which rank and alpha a module has.");
        var matcher = new TargetMatcher(config);
        var scalings = new Dictionary<string, (int Rank, double Scaling)>(StringComparer.Ordinal);
        foreach (var tensor in folder.Weights.Tensors)
        {
            var name = AdapterKeys.ToName(tensor.Name) ?? throw new AdapterException(folder.Path, $"{tensor.Name} is no key of PEFT, which begin with {AdapterKeys.Prefix}");
            var (kind, module) = AdapterKeys.Parse(name);
            if (!IsMatrix(kind) && kind != AdapterTensorKind.LoraBBias)
            {
                read.Add((tensor, name, kind, 1, 0));
                continue;
            }
            if (IsMatrix(kind) && tensor.Shape.Length != 2) throw new AdapterException(folder.Path, $"{tensor.Name} has the shape {tensor.ShapeText}; a matrix is needed.");
            var (rank, alpha) = matcher.NumbersFor(module);
            if (IsMatrix(kind) && RankOf(kind, tensor) != rank) throw new AdapterException(folder.Path, $"{tensor.Name} has rank {RankOf(kind, tensor)}, adapter_config.json says {rank}.");
            var scaling = config.Scaling(rank, alpha);
            read.Add((tensor, name, kind, scaling, rank));
            scalings[module] = (rank, scaling);
        }
        if (scalings.Count == 0) throw new AdapterException(folder.Path, "the file has no matrices of LoRA.");
        Rank = scalings.Values.Max(s => s.Rank);
        Config = config with { Rank = Rank, Alpha = Rank, UseRslora = false, RankPattern = [], AlphaPattern = [] };
        Report = new PortableReport(scalings.Count, Rank, scalings.Values.Count(s => s.Scaling != 1), scalings.Values.Count(s => s.Rank != Rank));
    }

    private int Rank { get; }

    /// <summary>The configuration: one rank, alpha equal to it.</summary>
    public LoraConfig Config { get; }

    /// <summary>What is recorded beside the adapter: as before.</summary>
    public AdapterRecord? Record => folder.Record;

    /// <summary>What is changed.</summary>
    public PortableReport Report { get; }

    /// <summary>Name, type and shape of what is written: matrices in F32, so that a scaling adds no rounding of a narrower type; all else as it is.</summary>
    public IReadOnlyList<(string Name, TensorType Type, long[] Shape)> Tensors => [.. read.Select(t => (t.Name, t.Rank == 0 ? t.Info.Type : TensorType.F32, t.Kind switch
    {
        AdapterTensorKind.LoraA or AdapterTensorKind.EmbeddingA => [Rank, t.Info.Shape[1]],
        AdapterTensorKind.LoraB or AdapterTensorKind.EmbeddingB => [t.Info.Shape[0], Rank],
        _ => t.Info.Shape,
    }))];

    /// <summary>Opens an adapter's folder.</summary>
    public static PortableSource Open(string path)
    {
        var folder = AdapterFolder.Open(path);
        try
        {
            return new PortableSource(folder);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Writes all tensors.</summary>
    public void WriteTo(AdapterWriter writer)
    {
        foreach (var (info, name, kind, scaling, rank) in read)
        {
            if (rank == 0)
            {
                writer.Write(name, folder.Weights.Bytes(info));
                continue;
            }
            var values = new float[info.Elements];
            folder.TryRead(info.Name, values);
            if (kind is AdapterTensorKind.LoraA or AdapterTensorKind.EmbeddingA)
            {
                writer.Write(name, values);
                writer.Write(name, new float[(Rank - rank) * info.Shape[1]]);
                continue;
            }
            // The update is s · (B A x + bias): the bias of B is scaled as B is.
            if (scaling != 1)
                for (var i = 0; i < values.Length; i++) values[i] = (float)(values[i] * scaling);
            writer.Write(name, kind == AdapterTensorKind.LoraBBias ? values : Widened(values, rank));
        }
    }

    private float[] Widened(float[] b, int rank)
    {
        if (rank == Rank) return b;
        var wide = new float[b.Length / rank * Rank];
        for (var row = 0; row < b.Length / rank; row++) b.AsSpan(row * rank, rank).CopyTo(wide.AsSpan(row * Rank));
        return wide;
    }

    private static bool IsMatrix(AdapterTensorKind kind) => kind is AdapterTensorKind.LoraA or AdapterTensorKind.LoraB or AdapterTensorKind.EmbeddingA or AdapterTensorKind.EmbeddingB;

    private static int RankOf(AdapterTensorKind kind, TensorInfo tensor) => (int)tensor.Shape[kind is AdapterTensorKind.LoraA or AdapterTensorKind.EmbeddingA ? 0 : 1];

    /// <inheritdoc/>
    public void Dispose() => folder.Dispose();
}
