using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Quantization;
using LowRank.Runtime.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Merging;

/// <summary>
/// A checkpoint with an adapter merged into it, as a source of tensors: each is computed when it is asked for, in pieces of rows in fp32, rounded once to the type of the
/// base, into memory that the next but one uses too: it may be read while the next is computed. So the memory does not grow with the model. For one thread.
/// </summary>
internal sealed unsafe class MergedCheckpoint : ITensorSource
{
    // Elements of a piece: 4 MiB in fp32, which stay in the caches while they are widened, changed and rounded.
    private const long PieceElements = 1 << 20;

    private readonly OpenedCheckpoint opened;
    private readonly AdapterFolder folder;
    private readonly DecoderSpec spec;
    private readonly MergePlan plan;
    private readonly AdapterTables? tables;
    private readonly ITensorSource source;
    private readonly HashSet<string> dequantized = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> stored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> byName;
    // Used again for each tensor and each piece: fresh pages would have to be cleared by the system first, which takes longer than the arithmetic.
    private NativeBuffer? values;
    private NativeBuffer? valuesBefore;
    private NativeBuffer? workspace;
    private string? current;

    private MergedCheckpoint(OpenedCheckpoint opened, AdapterFolder folder, DecoderSpec spec, AdapterTables? tables, MergePlan plan, MergeBase chosen, string reason)
    {
        (this.opened, this.folder, this.spec, this.tables, this.plan) = (opened, folder, spec, tables, plan);
        source = tables is null ? opened.Tensors : new ReplacedTensors(opened.Tensors, folder.Weights, tables.ByName);
        (Base, BaseReason) = (chosen, reason);
        if (chosen == MergeBase.Dequantized && folder.Record?.Quantization is { } form && !QuantizationConfig.IsFourBit(opened.Config))
            dequantized.UnionWith(spec.Matrices().Where(m => !form.Skips(m)).Select(m => $"{m}.weight"));
        var (tensors, table, head) = (new List<TensorInfo>(), $"{spec.Names.Embedding}.weight", $"{spec.Names.Head}.weight");
        foreach (var t in source.Tensors.Where(t => !FourBitCheckpoint.IsPart(source, t.Name)))
        {
            // A copy of a shared weight, which some checkpoints have, would keep the rows of the base.
            if (tables is not null && spec.TiedHead && t.Name == head) continue;
            stored[t.Name] = t;
            tensors.Add(FourBitCheckpoint.TryReadState(source, t.Name) is { } state ? Of(t, state.SourceType, spec.TransposedWeights ? [state.InFeatures, state.OutFeatures] : [state.OutFeatures, state.InFeatures])
                : tables?.ByName.ContainsKey(t.Name) == true && opened.Tensors.TryGet(table, out var own) ? Of(t, own.Type, t.Shape) : t);
        }
        if (plan.IsHeadSeparate)
        {
            stored[head] = stored[table];
            tensors.RemoveAll(t => t.Name == head);
            tensors.Add(tensors.Single(t => t.Name == table) with { Name = head });
        }
        foreach (var name in plan.Changed)
            if (!tensors.Exists(t => t.Name == name)) throw new AdapterException(folder.Path, $"it changes {name}, which {opened.Path} does not have.");
        Tensors = tensors;
        byName = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Which weights the adapter is merged into.</summary>
    public MergeBase Base { get; }

    /// <summary>Why these.</summary>
    public string BaseReason { get; }

    /// <summary>The base's configuration.</summary>
    public ModelConfig Config => opened.Config;

    /// <summary>The form of 4 bits that the adapter was trained over, or null.</summary>
    public FourBitOptions? Quantization => folder.Record?.Quantization;

    /// <summary>What is to be done.</summary>
    public MergePlan Plan => plan;

    /// <summary>The base.</summary>
    public OpenedCheckpoint Opened => opened;

    /// <summary>Whether a head that shared the embedding's weight has one of its own.</summary>
    public bool IsHeadSeparate => plan.IsHeadSeparate || tables?.IsHeadSeparate == true;

    /// <summary>Rows of embedding and head.</summary>
    public long Vocabulary => spec.VocabularySize;

    /// <summary>Rows of embedding and head where the adapter brought others than the base has; else null.</summary>
    public long? ChangedVocabulary { get; private init; }

    /// <summary>Tensors that the adapter changes or brings.</summary>
    public int ChangedTensors => plan.Changed.Union(tables?.ByName.Keys ?? []).Count();

    /// <summary>Opens a base and an adapter. Nothing large is read yet.</summary>
    /// <param name="model">A Hugging Face folder or a GGUF file.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="asked">Which weights to merge into.</param>
    /// <exception cref="LowRankException">One of them is missing or damaged, or they do not fit each other.</exception>
    public static MergedCheckpoint Open(string model, string adapter, MergeBase asked)
    {
        var opened = OpenedCheckpoint.Open(model);
        AdapterFolder? folder = null;
        MergePlan? plan = null;
        try
        {
            folder = AdapterFolder.Open(adapter);
            var spec = ModelFamilies.Of(opened.Config).Read(opened.Config);
            var tables = AdapterTables.Of(folder, spec);
            var merged = tables?.Apply(spec) ?? spec;
            plan = new MergePlan(folder, merged, tables?.Keys);
            var (chosen, reason) = Choose(asked, folder.Record?.Quantization, QuantizationConfig.IsFourBit(opened.Config), adapter);
            return new MergedCheckpoint(opened, folder, merged, tables, plan, chosen, reason) { ChangedVocabulary = merged.VocabularySize == spec.VocabularySize ? null : merged.VocabularySize };
        }
        catch
        {
            plan?.Dispose();
            folder?.Dispose();
            opened.Dispose();
            throw;
        }
    }

    private static TensorInfo Of(TensorInfo stored, TensorType type, long[] shape) => stored with { Type = type, Shape = shape, ByteLength = shape.Aggregate(1L, (a, b) => a * b) * type.ElementSize() };

    private static (MergeBase, string) Choose(MergeBase asked, FourBitOptions? trained, bool isFourBit, string adapter)
    {
        if (isFourBit) return asked == MergeBase.Original
            ? throw new LowRankException("The model is in 4 bits: there are no original weights in it. Give the 16-bit model, or merge into what its codes stand for.")
            : (MergeBase.Dequantized, "the model is in 4 bits, and its codes stand for these weights");
        return (asked, trained) switch
        {
            (MergeBase.Original, null) => (MergeBase.Original, "as asked for"),
            (MergeBase.Original, _) => (MergeBase.Original, $"as asked for, although the adapter was trained over {trained!.TypeName}: it has learned to make up for errors that these weights do not have"),
            (MergeBase.Dequantized, null) => throw new LowRankException($"{adapter} does not tell that it was trained over 4 bits (lowrank.json), so it is not known which codes to take. Merge into the original weights."),
            (_, null) => (MergeBase.Original, "the adapter was trained over plain weights, or does not tell otherwise"),
            _ => (MergeBase.Dequantized, $"the adapter was trained over {trained!.TypeName} and has learned to make up for its errors"),
        };
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo info) => byName.TryGetValue(name, out info!);

    /// <inheritdoc/>
    public byte* Pointer(TensorInfo info)
    {
        if (current == info.Name) return values!.Pointer;
        var origin = stored[info.Name];
        using var change = plan.Of(info.Name);
        var fourBit = FourBitCheckpoint.TryReadState(source, origin.Name) is not null;
        if (change is null && !fourBit && !dequantized.Contains(info.Name) && origin.Type == info.Type) return source.Pointer(origin);
        current = null;
        (values, valuesBefore) = (valuesBefore, values);
        var target = AtLeast(ref values, info.ByteLength);
        Compute(info, origin, change, fourBit, target);
        current = info.Name;
        return target;
    }

    private static byte* AtLeast(ref NativeBuffer? buffer, long bytes)
    {
        if (buffer is null || buffer.Length < bytes)
        {
            buffer?.Dispose();
            buffer = null;
            buffer = new NativeBuffer(bytes);
        }
        return buffer.Pointer;
    }

    private void Compute(TensorInfo info, TensorInfo origin, TensorChange? change, bool fourBit, byte* target)
    {
        using var noGrad = no_grad();
        using var codes = fourBit ? FourBitWeight.FromParts(FourBitCheckpoint.TryRead(source, origin.Name)!) : dequantized.Contains(info.Name) ? Quantized(origin) : null;
        // A weight that is stored as [in, out] is changed whole, the other way round; its codes stand for it so.
        if (spec.TransposedWeights && info.Shape.Length == 2 && (codes is not null || change is TensorChange.Adapted))
        {
            using var scope = NewDisposeScope();
            var whole = codes?.Dequantize(0, info.Shape[1]) ?? TensorView.Over(source.Pointer(origin), info.Shape, origin.Type).to(ScalarType.Float32).t().contiguous();
            change?.Apply(whole, 0);
            TensorView.Over(target, info.Shape, info.Type).copy_(whole.t());
            return;
        }
        var (rows, columns) = (info.Shape[0], info.Elements / Math.Max(1, info.Shape[0]));
        var step = Math.Max(1, PieceElements / Math.Max(1, columns));
        var wide = AtLeast(ref workspace, Math.Min(step, rows) * columns * sizeof(float));
        for (long from = 0; from < rows; from += step)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(step, rows - from);
            long[] shape = info.Shape.Length == 1 ? [count] : [count, columns];
            var piece = codes?.Dequantize(from, count)
                ?? TensorView.Over(wide, shape, TensorType.F32).copy_(TensorView.Over(source.Pointer(origin) + from * columns * origin.Type.ElementSize(), shape, origin.Type));
            change?.Apply(piece, from);
            TensorView.Over(target + from * columns * info.Type.ElementSize(), shape, info.Type).copy_(piece);
        }
    }

    private FourBitWeight Quantized(TensorInfo matrix)
    {
        var (rows, columns) = (matrix.Shape[0], matrix.Shape[1]);
        if (!spec.TransposedWeights) return FourBitWeight.Quantize(source.Pointer(matrix), matrix.Type, rows, columns, Quantization!, matrix.Name);
        using var turned = new NativeBuffer(matrix.ByteLength);
        MatrixTranspose.Run(source.Pointer(matrix), rows, columns, matrix.Type.ElementSize(), turned.Pointer);
        return FourBitWeight.Quantize(turned.Pointer, matrix.Type, columns, rows, Quantization!, matrix.Name);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) => info.ByteLength <= int.MaxValue ? new(Pointer(info), (int)info.ByteLength)
        : throw new LowRankException($"{info.Name} has more bytes than a span can hold.");

    /// <inheritdoc/>
    public void DropPages(TensorInfo info)
    {
        if (current == info.Name) current = null;
        source.DropPages(stored[info.Name]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        values?.Dispose();
        valuesBefore?.Dispose();
        workspace?.Dispose();
        plan.Dispose();
        folder.Dispose();
        opened.Dispose();
    }
}
