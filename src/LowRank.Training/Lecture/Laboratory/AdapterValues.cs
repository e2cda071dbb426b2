using System.Runtime.InteropServices;
using LowRank.Adapters;
using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>A copy of the values of an adapter, to be put on another base.</summary>
internal sealed class AdapterValues
{
    private readonly Dictionary<string, (long[] Shape, float[] Elements)> values = new(StringComparer.Ordinal);

    /// <summary>Copies them.</summary>
    public static AdapterValues Of(AttachedAdapter adapter)
    {
        var copy = new AdapterValues();
        using var scope = NewDisposeScope();
        foreach (var value in adapter.Values()) copy.values[value.Key] = (value.Value.shape, MemoryMarshal.Cast<byte, float>(value.Value.contiguous().bytes).ToArray());
        return copy;
    }

    /// <summary>Puts them into the parameters of an adapter of the same configuration, which stands beside others.</summary>
    public void CopyTo(IEnumerable<TrainableParameter> parameters)
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in parameters)
        {
            var (shape, elements) = values[parameter.Name];
            parameter.Set(tensor(elements, shape));
        }
    }

    /// <summary>Puts them into an adapter of the same configuration.</summary>
    public void CopyTo(AttachedAdapter adapter)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var value in adapter.Values())
        {
            var (shape, elements) = values[value.Key];
            value.Value.copy_(tensor(elements, shape));
        }
    }
}
