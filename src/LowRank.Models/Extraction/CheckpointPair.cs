using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Extraction;

/// <summary>Two checkpoints of one architecture, whose tensors are read side by side in pieces of rows. For one thread.</summary>
internal sealed unsafe class CheckpointPair : IDisposable
{
    // Elements of a piece: 32 MiB in fp32.
    private const long PieceElements = 8 << 20;
    private const int Shown = 8;

    private readonly OpenedCheckpoint original;
    private readonly OpenedCheckpoint tuned;

    private CheckpointPair(OpenedCheckpoint original, OpenedCheckpoint tuned, DecoderSpec spec, IReadOnlyList<TensorPair> tensors) =>
        (this.original, this.tuned, Spec, Modules, Tensors) = (original, tuned, spec, DecoderModules.Of(spec), tensors);

    /// <summary>The base's description.</summary>
    public DecoderSpec Spec { get; }

    /// <summary>The base's modules.</summary>
    public IReadOnlyList<AdaptableModule> Modules { get; }

    /// <summary>All tensors of the model, in its order.</summary>
    public IReadOnlyList<TensorPair> Tensors { get; }

    /// <summary>Opens two checkpoints. Nothing large is read yet.</summary>
    /// <param name="basePath">A Hugging Face folder or a GGUF file.</param>
    /// <param name="tunedPath">Another one.</param>
    /// <exception cref="LowRankException">One is missing, damaged or in 4 bits, or they are not of one architecture and size; all that differs is told.</exception>
    public static CheckpointPair Open(string basePath, string tunedPath)
    {
        var original = OpenPlain(basePath);
        OpenedCheckpoint? tuned = null;
        try
        {
            tuned = OpenPlain(tunedPath);
            DecoderSpec spec = ModelFamilies.Of(original.Config).Read(original.Config), other = ModelFamilies.Of(tuned.Config).Read(tuned.Config);
            if (spec.ModelType != other.ModelType) throw new LowRankException($"{basePath} is a {spec.ModelType}, {tunedPath} a {other.ModelType}: a difference of weights means something only within one architecture.");
            RequireSameModules(basePath, spec, tunedPath, other);
            return new CheckpointPair(original, tuned, spec, Pairs(original, spec, tuned, other));
        }
        catch
        {
            tuned?.Dispose();
            original.Dispose();
            throw;
        }
    }

    private static OpenedCheckpoint OpenPlain(string path)
    {
        var opened = OpenedCheckpoint.Open(path);
        if (!QuantizationConfig.IsFourBit(opened.Config)) return opened;
        opened.Dispose();
        throw new LowRankException($"{path} is in 4 bits, whose errors would be taken for a difference. Give the plain weights, or make them of it: lowrank convert {path} FOLDER --to hf.");
    }

    private static void RequireSameModules(string basePath, DecoderSpec spec, string tunedPath, DecoderSpec other)
    {
        static string Text(AdaptableModule m) => m.Kind == ModuleKind.Other ? $"{m.OutFeatures} wide" : $"{m.OutFeatures} × {m.InFeatures}{(m.HasBias ? " with a bias" : "")}";
        var (first, second) = (DecoderModules.Of(spec).ToDictionary(m => m.Name, Text, StringComparer.Ordinal), DecoderModules.Of(other).ToDictionary(m => m.Name, Text, StringComparer.Ordinal));
        var problems = first.Keys.Union(second.Keys).Where(n => first.GetValueOrDefault(n) != second.GetValueOrDefault(n))
            .Select(n => $"{n}: {first.GetValueOrDefault(n) ?? "absent"} in the base, {second.GetValueOrDefault(n) ?? "absent"} in the tuned model").ToList();
        if (problems.Count > 0) throw new LowRankException($"{basePath} and {tunedPath} are not of one size:\n  {string.Join("\n  ", problems.Take(Shown))}{(problems.Count > Shown ? $"\n  and {problems.Count - Shown} more" : "")}");
    }

    private static List<TensorPair> Pairs(OpenedCheckpoint original, DecoderSpec spec, OpenedCheckpoint tuned, DecoderSpec other)
    {
        var (pairs, problems) = (new List<TensorPair>(), new List<string>());
        // A head that is separate in one of the two counts; in the other one it is the embedding's weight.
        foreach (var module in DecoderModules.Of(spec.TiedHead ? other : spec))
        {
            // All experts in one is how adapters see them; a checkpoint has the matrices of each, which are modules of their own.
            if (module.Kind == ModuleKind.Experts) continue;
            if (module.WeightShape is { } shape && module.TiedTo is null) Add($"{module.Name}.weight", shape);
            if (module.HasBias) Add($"{module.Name}.bias", [module.OutFeatures]);
        }
        return problems.Count == 0 ? pairs : throw new LowRankException($"The checkpoints cannot be compared:\n  {string.Join("\n  ", problems.Take(Shown))}{(problems.Count > Shown ? $"\n  and {problems.Count - Shown} more" : "")}");

        void Add(string name, long[] shape)
        {
            var (first, second) = (Find(original, spec, name, shape), Find(tuned, other, name, shape));
            if (first is not null && second is not null) pairs.Add(new TensorPair(name, first, second));
        }

        TensorInfo? Find(OpenedCheckpoint checkpoint, DecoderSpec of, string name, long[] shape)
        {
            var stored = of.TiedHead && name == $"{of.Names.Head}.weight" ? $"{of.Names.Embedding}.weight" : name;
            if (!checkpoint.Tensors.TryGet(stored, out var info)) problems.Add($"{checkpoint.Path}: {stored} is missing");
            else if (!info.Shape.AsSpan().SequenceEqual(shape)) problems.Add($"{checkpoint.Path}: {stored} has shape {info.ShapeText}, its config.json asks for {TensorInfo.ShapeOf(shape)}");
            else if (info.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16)) problems.Add($"{checkpoint.Path}: {stored} is {info.Type}; F32, F16 and BF16 are compared");
            else return info;
            return null;
        }
    }

    /// <summary>Whether both have the same numbers.</summary>
    public bool AreEqual(TensorPair pair)
    {
        byte* first = original.Tensors.Pointer(pair.Base), second = tuned.Tensors.Pointer(pair.Tuned);
        if (pair.Base.Type != pair.Tuned.Type) return SquaresOf(pair).Difference == 0;
        const int Piece = 1 << 24;
        for (long at = 0; at < pair.Base.ByteLength; at += Piece)
        {
            var count = (int)Math.Min(Piece, pair.Base.ByteLength - at);
            if (!new ReadOnlySpan<byte>(first + at, count).SequenceEqual(new ReadOnlySpan<byte>(second + at, count))) return false;
        }
        return true;
    }

    /// <summary>The tuned weight less the base's: fp32 with rows and columns as stored, the caller's.</summary>
    public Tensor Difference(TensorPair pair)
    {
        var result = empty(pair.Base.Shape, ScalarType.Float32);
        Pieces(pair, (from, count, first, second) =>
        {
            using var rows = result.narrow(0, from, count);
            rows.copy_(second);
            rows.sub_(first);
        });
        return result;
    }

    /// <summary>The sums of squares of the difference and of the base's values.</summary>
    public (double Difference, double Base) SquaresOf(TensorPair pair)
    {
        var (difference, own) = (0.0, 0.0);
        Pieces(pair, (_, _, first, second) =>
        {
            var (a, b) = (first.to(ScalarType.Float64), second.to(ScalarType.Float64));
            difference += (b - a).pow(Scalars.Of(2)).sum().item<double>();
            own += a.pow(Scalars.Of(2)).sum().item<double>();
        });
        return (difference, own);
    }

    /// <summary>Adds the base's tensor to its fingerprint. A head that shares the embedding's weight is none of its own.</summary>
    public void AddTo(BaseFingerprintBuilder fingerprint, TensorPair pair)
    {
        if (pair.Base.Name == pair.Name) fingerprint.Add(original.Tensors, pair.Base);
    }

    /// <summary>Lets go of the memory of both.</summary>
    public void DropPages(TensorPair pair)
    {
        original.Tensors.DropPages(pair.Base);
        tuned.Tensors.DropPages(pair.Tuned);
    }

    private void Pieces(TensorPair pair, Action<long, long, Tensor, Tensor> visit)
    {
        byte* first = original.Tensors.Pointer(pair.Base), second = tuned.Tensors.Pointer(pair.Tuned);
        var rows = pair.Base.Shape[0];
        var columns = pair.Base.Elements / Math.Max(1, rows);
        var step = Math.Max(1, PieceElements / Math.Max(1, columns));
        for (long from = 0; from < rows; from += step)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var count = Math.Min(step, rows - from);
            long[] shape = pair.Base.Shape.Length == 1 ? [count] : [count, columns];
            visit(from, count, TensorView.Over(first + from * columns * pair.Base.Type.ElementSize(), shape, pair.Base.Type), TensorView.Over(second + from * columns * pair.Tuned.Type.ElementSize(), shape, pair.Tuned.Type));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        original.Dispose();
        tuned.Dispose();
    }
}
