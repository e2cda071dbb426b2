using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Quantization;

namespace LowRank.Training.Guards;

/// <summary>The tensors of a frozen base as they lie in memory, under whatever adapters stand over them. A tied head's weight comes once, as the table's.</summary>
internal static class BaseTensors
{
    /// <summary>Whether some weight is stored in another form than the checkpoint's.</summary>
    public static bool AreQuantized(IReadOnlyList<ModuleSlot> slots) => Weights(slots).Any(w => w.Weight is not DenseWeight);

    /// <summary>The names of those that require a gradient.</summary>
    public static IReadOnlyList<string> WithGradient(IReadOnlyList<ModuleSlot> slots) =>
        [.. Weights(slots).Where(w => w.Weight.RequiresGradient).Select(w => w.Name), .. Vectors(slots).Where(v => v.Value.requires_grad).Select(v => v.Name)];

    /// <summary>The fingerprint of what lies in memory. For a base that was not quantized it equals that of its loading.</summary>
    public static BaseFingerprint Fingerprint(IReadOnlyList<ModuleSlot> slots)
    {
        var builder = new BaseFingerprintBuilder();
        foreach (var (name, weight) in Weights(slots)) weight.AddTo(builder, name);
        foreach (var (name, value) in Vectors(slots)) builder.Add(name, value);
        return builder.Finish();
    }

    /// <summary>The fingerprint of each tensor alone, by name.</summary>
    public static IReadOnlyDictionary<string, string> Digests(IReadOnlyList<ModuleSlot> slots)
    {
        static string Of(Action<BaseFingerprintBuilder> add)
        {
            var builder = new BaseFingerprintBuilder();
            add(builder);
            return builder.Finish().Weights;
        }
        return Weights(slots).Select(w => (w.Name, Digest: Of(b => w.Weight.AddTo(b, w.Name)))).Concat(Vectors(slots).Select(v => (v.Name, Digest: Of(b => b.Add(v.Name, v.Value)))))
            .ToDictionary(t => t.Name, t => t.Digest, StringComparer.Ordinal);
    }

    /// <summary>Bytes of the matrices as they are stored.</summary>
    public static long StoredBytes(IReadOnlyList<ModuleSlot> slots) => Weights(slots).Sum(w => w.Weight.StoredBytes);

    private static IEnumerable<(string Name, FrozenWeight Weight)> Weights(IReadOnlyList<ModuleSlot> slots)
    {
        var tables = new List<FrozenWeight>();
        foreach (var slot in slots)
        {
            if (slot is EmbeddingSlot embedding)
            {
                tables.Add(embedding.FrozenBase().Weight);
                yield return ($"{slot.Name}.weight", tables[^1]);
            }
            if (slot is LinearSlot linear && linear.FrozenBase().Weight is var weight && !tables.Contains(weight)) yield return ($"{slot.Name}.weight", weight);
        }
    }

    private static IEnumerable<(string Name, TorchSharp.torch.Tensor Value)> Vectors(IReadOnlyList<ModuleSlot> slots)
    {
        foreach (var slot in slots)
        {
            if (slot is LinearSlot linear && linear.FrozenBase().FrozenBias is { } bias) yield return ($"{slot.Name}.bias", bias);
            if (slot is not NormSlot norm) continue;
            yield return ($"{slot.Name}.weight", norm.Module.FrozenWeight);
            if (norm.Module.FrozenBias is { } shift) yield return ($"{slot.Name}.bias", shift);
        }
    }
}
