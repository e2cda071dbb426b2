using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Decoder;

namespace LowRank.Models.Merging;

/// <summary>
/// The embedding and head that an adapter brings along in place of the base's. PEFT stores both whole where tokens were added for training (<c>save_and_load.py</c>,
/// <c>save_embedding_layers</c>), under the names of the base's weights or, where they are adapted, as copies beside their matrices.
/// </summary>
internal sealed class AdapterTables
{
    // Where PEFT's wrappers keep the weight that they stand on.
    private static readonly string[] Copies = [".base_layer.weight", ".token_adapter.base_layer.weight", ".original_module.weight"];

    private readonly Dictionary<string, TensorInfo> byName = new(StringComparer.Ordinal);
    private readonly HashSet<string> keys = new(StringComparer.Ordinal);

    private AdapterTables(long rows, bool isHeadSeparate) => (Rows, IsHeadSeparate) = (rows, isHeadSeparate);

    /// <summary>Rows of both.</summary>
    public long Rows { get; }

    /// <summary>Whether the head, which shares the embedding's weight in the base, has one of its own in the adapter.</summary>
    public bool IsHeadSeparate { get; }

    /// <summary>The adapter's tensors, by the names of the base's weights that they replace.</summary>
    public IReadOnlyDictionary<string, TensorInfo> ByName => byName;

    /// <summary>Keys of the adapter's file that are accounted for by this.</summary>
    public IReadOnlySet<string> Keys => keys;

    /// <summary>What an adapter brings along, or null where it leaves the base's tables as they are.</summary>
    /// <param name="folder">The adapter.</param>
    /// <param name="spec">The base.</param>
    /// <exception cref="AdapterException">Embedding and head do not fit each other.</exception>
    public static AdapterTables? Of(AdapterFolder folder, DecoderSpec spec)
    {
        var names = spec.Names;
        var (table, head) = (Find(folder, spec, names.Embedding), Find(folder, spec, names.Head));
        if (table is null && head is null) return null;
        long RowsOf((TensorInfo Info, bool IsPlain)? found) => found?.Info.Shape[0] ?? spec.VocabularySize;
        var isResized = RowsOf(table) != spec.VocabularySize || RowsOf(head) != spec.VocabularySize;
        if (!isResized && table is not { IsPlain: true } && head is not { IsPlain: true }) return null;
        var headRows = head is null && spec.TiedHead ? RowsOf(table) : RowsOf(head);
        if (RowsOf(table) != headRows)
            throw new AdapterException(folder.Path, $"its {names.Embedding} has {RowsOf(table)} rows{(table is null ? ", those of the base," : "")} and its {names.Head} {headRows}{(head is null ? ", those of the base" : "")}: they must have as many. "
                + "Where tokens were added, PEFT stores both; save the adapter again with save_embedding_layers=True.");
        var isSeparate = spec.TiedHead && head is { IsPlain: true } own && !(table is { } shared && IsSame(folder, shared.Info, own.Info));
        var tables = new AdapterTables(headRows, isSeparate);
        if (table is { } t) tables.byName[$"{names.Embedding}.weight"] = t.Info;
        if (head is { } h && (!spec.TiedHead || isSeparate)) tables.byName[$"{names.Head}.weight"] = h.Info;
        foreach (var module in new[] { names.Embedding, names.Head })
            foreach (var ending in Copies.Append(".weight").Append(".modules_to_save.weight").Append(".token_adapter.trainable_tokens_delta")) tables.keys.Add(AdapterKeys.ToKey(module + ending));
        return tables;
    }

    /// <summary>The base with these tables.</summary>
    public DecoderSpec Apply(DecoderSpec spec) => spec with { VocabularySize = Rows, TiedHead = spec.TiedHead && !IsHeadSeparate };

    private static (TensorInfo Info, bool IsPlain)? Find(AdapterFolder folder, DecoderSpec spec, string module)
    {
        foreach (var ending in Copies)
            if (folder.Weights.TryGet(AdapterKeys.ToKey(module + ending), out var copy) && Fits(copy, spec)) return (copy, false);
        if (!folder.Weights.TryGet(AdapterKeys.ToKey($"{module}.weight"), out var plain) || !Fits(plain, spec)) return null;
        // A module that was trained whole has its weight under the same name.
        var isSaved = (folder.Config.ModulesToSave ?? []).Any(entry => module.EndsWith(entry, StringComparison.Ordinal));
        return (plain, !isSaved);
    }

    private static bool Fits(TensorInfo tensor, DecoderSpec spec) => tensor.Shape is [> 0, var width] && width == spec.HiddenSize && tensor.Type is TensorType.F32 or TensorType.F16 or TensorType.BF16;

    private static bool IsSame(AdapterFolder folder, TensorInfo first, TensorInfo second) =>
        first.Type == second.Type && first.Shape.AsSpan().SequenceEqual(second.Shape) && folder.Weights.Bytes(first).SequenceEqual(folder.Weights.Bytes(second));
}
