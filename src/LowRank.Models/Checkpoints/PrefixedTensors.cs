using LowRank.Formats;
using LowRank.Models.Decoder;

namespace LowRank.Models.Checkpoints;

/// <summary>
/// A checkpoint of the model without its head, whose names lack what stands before those of the whole model (<c>wte.weight</c> for <c>transformer.wte.weight</c>): GPT-2's published
/// files have them so. Here the tensors have the names of the whole model.
/// </summary>
internal sealed unsafe class PrefixedTensors : ITensorSource
{
    private readonly ITensorSource source;
    private readonly Dictionary<string, TensorInfo> original = new(StringComparer.Ordinal);

    private PrefixedTensors(ITensorSource source, string prefix)
    {
        this.source = source;
        foreach (var t in source.Tensors) original.Add(t.Name.StartsWith("lm_head.", StringComparison.Ordinal) ? t.Name : prefix + t.Name, t);
        Tensors = [.. original.Select(t => t.Value with { Name = t.Key })];
    }

    /// <inheritdoc/>
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The checkpoint as it is, or behind full names where its own lack their beginning.</summary>
    public static ITensorSource WithFullNames(ITensorSource source, DecoderSpec spec)
    {
        var table = $"{spec.Names.Embedding}.weight";
        var prefix = table[..(table.IndexOf('.', StringComparison.Ordinal) + 1)];
        return !source.TryGet(table, out _) && source.TryGet(table[prefix.Length..], out _) ? new PrefixedTensors(source, prefix) : source;
    }

    /// <inheritdoc/>
    public bool TryGet(string name, out TensorInfo info)
    {
        var found = original.TryGetValue(name, out var own);
        info = found ? own! with { Name = name } : null!;
        return found;
    }

    /// <inheritdoc/>
    public byte* Pointer(TensorInfo info) => source.Pointer(original[info.Name]);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Bytes(TensorInfo info) => source.Bytes(original[info.Name]);

    /// <inheritdoc/>
    public void CopyTo(TensorInfo info, byte* target) => source.CopyTo(original[info.Name], target);

    /// <inheritdoc/>
    public void DropPages(TensorInfo info) => source.DropPages(original[info.Name]);

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();
}
