using System.Runtime.InteropServices;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Optimizers;

/// <summary>
/// All trained parameters of a run in one fp32 buffer, and their gradients in another of the same layout: clipping, the optimizer and zeroing are
/// then one pass over memory each, not a loop over hundreds of tensors. Every parameter begins at a multiple of 64 bytes; the gaps stay zero.
/// </summary>
public sealed class FlatParameters : IDisposable
{
    private const long AlignedElements = 16;
    private readonly List<Tensor> gradientViews = [];

    /// <summary>Moves the parameters' values into a common buffer. The parameters keep belonging to their layers.</summary>
    /// <param name="parameters">The parameters, each once.</param>
    public FlatParameters(IReadOnlyList<TrainableParameter> parameters)
    {
        if (parameters.Count == 0) throw new ArgumentException("There is nothing to train.", nameof(parameters));
        Parameters = parameters;
        var offsets = new long[parameters.Count];
        for (var i = 0; i < offsets.Length; i++)
        {
            offsets[i] = Length;
            Length += (parameters[i].Count + AlignedElements - 1) / AlignedElements * AlignedElements;
        }
        Offsets = offsets;
        var device = parameters[0].Value.device;
        Values = zeros(Length, ScalarType.Float32, device).DetachFromDisposeScope();
        Gradients = zeros(Length, ScalarType.Float32, device).DetachFromDisposeScope();
        using var scope = NewDisposeScope();
        for (var i = 0; i < offsets.Length; i++)
        {
            var parameter = parameters[i];
            var gradient = View(Gradients, offsets[i], parameter).DetachFromDisposeScope();
            gradientViews.Add(gradient);
            parameter.MoveTo(View(Values, offsets[i], parameter).detach(), gradient);
        }
    }

    /// <summary>The parameters in the order of the buffer.</summary>
    public IReadOnlyList<TrainableParameter> Parameters { get; }

    /// <summary>Where each parameter begins, in elements.</summary>
    public IReadOnlyList<long> Offsets { get; }

    /// <summary>Elements of each buffer, gaps included.</summary>
    public long Length { get; }

    /// <summary>Trained elements, without the gaps.</summary>
    public long Count => Parameters.Sum(p => p.Count);

    /// <summary>All values, fp32 <c>[length]</c>.</summary>
    public Tensor Values { get; }

    /// <summary>All gradients, fp32 <c>[length]</c>.</summary>
    public Tensor Gradients { get; }

    /// <summary>The gradient of parameter <paramref name="index"/>, in its shape: a view.</summary>
    public Tensor GradientOf(int index) => gradientViews[index];

    /// <summary>Sets all gradients to zero.</summary>
    public void ZeroGradients()
    {
        using var noGrad = no_grad();
        Gradients.fill_(Scalars.Of(0f));
    }

    /// <summary>The Euclidean norm of all gradients together.</summary>
    public double GradientNorm()
    {
        using var noGrad = no_grad();
        if (Kernels.Cuda.CudaKernels.For(Gradients) is { } kernels) return kernels.Norm(Gradients);
        if (Gradients.device_type == DeviceType.CPU && Length <= int.MaxValue / sizeof(float))
            return Kernels.Cpu.FlatKernels.Norm(MemoryMarshal.Cast<byte, float>(Gradients.bytes));
        using var norm = Gradients.norm();
        return norm.item<float>();
    }

    /// <summary>Multiplies all gradients, such as by limit / norm.</summary>
    public void ScaleGradients(double factor)
    {
        using var noGrad = no_grad();
        Gradients.mul_(Scalars.Of((float)factor));
    }

    /// <summary>
    /// Scales the gradients so that their norm is at most <paramref name="limit"/>, as <c>torch.nn.utils.clip_grad_norm_</c> does (with its 1e-6 in the divisor).
    /// </summary>
    /// <returns>The norm before.</returns>
    public double ClipGradientNorm(double limit)
    {
        var norm = GradientNorm();
        var factor = limit / (norm + 1e-6);
        if (factor < 1) ScaleGradients(factor);
        return norm;
    }

    private static Tensor View(Tensor buffer, long offset, TrainableParameter parameter) => buffer.narrow(0, offset, parameter.Count).view(parameter.Shape);

    /// <summary>Frees the buffers. The parameters' values lie in them: dispose the parameters' owners first or with this.</summary>
    public void Dispose()
    {
        foreach (var p in Parameters) if (!p.Value.IsInvalid) p.Value.grad = null;
        foreach (var g in gradientViews) g.Dispose();
        Values.Dispose();
        Gradients.Dispose();
    }
}
