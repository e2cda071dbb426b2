using LowRank.Adapters;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Choosing;

/// <summary>The values of an adapter, to be put on another base.</summary>
internal sealed class AdapterValues : IDisposable
{
    private readonly Dictionary<string, Tensor> values;

    private AdapterValues(Dictionary<string, Tensor> values) => this.values = values;

    /// <summary>Copies them.</summary>
    public static AdapterValues Of(AttachedAdapter adapter) => new(adapter.Values().ToDictionary(v => v.Key, v => v.Value.clone().DetachFromDisposeScope(), StringComparer.Ordinal));

    /// <summary>Puts them into an adapter of the same configuration.</summary>
    public void CopyTo(AttachedAdapter adapter)
    {
        using var noGrad = no_grad();
        foreach (var value in adapter.Values()) value.Value.copy_(values[value.Key]);
    }

    public void Dispose()
    {
        foreach (var value in values.Values) value.Dispose();
    }
}
