using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Optimizers;

/// <summary>
/// AdamW over flat buffers, with the order of operations of torch's <c>AdamW</c>: decay, moments, bias corrections, step. On the CPU it is one vectorised pass;
/// elsewhere, and as the plain twin in tests, a dozen tensor operations over the whole buffer.
/// </summary>
public sealed class AdamW : IDisposable
{
    private readonly FlatParameters parameters;
    private readonly AdamWSettings settings;
    private readonly bool vectorised;

    /// <summary>Creates moments of zero.</summary>
    /// <param name="parameters">What to train.</param>
    /// <param name="settings">Betas, epsilon, decay.</param>
    /// <param name="vectorised">False takes the tensor operations on the CPU too.</param>
    public AdamW(FlatParameters parameters, AdamWSettings settings, bool vectorised = true)
    {
        (this.parameters, this.settings) = (parameters, settings);
        // A span holds 2 GiB: beyond that the tensor operations take over.
        this.vectorised = vectorised && parameters.Values.device_type == DeviceType.CPU && parameters.Length <= int.MaxValue / sizeof(float);
        FirstMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
        SecondMoment = zeros_like(parameters.Values).DetachFromDisposeScope();
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>Mean of the gradients, fp32, in the layout of the parameters.</summary>
    public Tensor FirstMoment { get; }

    /// <summary>Mean of their squares, fp32, in the layout of the parameters.</summary>
    public Tensor SecondMoment { get; }

    /// <summary>Takes one step with the gradients as they are.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    public void Step(double learningRate)
    {
        Steps++;
        var (beta1, beta2) = (settings.Beta1, settings.Beta2);
        var stepSize = learningRate / (1 - Math.Pow(beta1, Steps));
        var rootCorrection = Math.Sqrt(1 - Math.Pow(beta2, Steps));
        var keep = 1 - learningRate * settings.WeightDecay;
        if (vectorised)
            Kernels.Cpu.FlatKernels.AdamW(Floats(parameters.Values), Floats(parameters.Gradients), Floats(FirstMoment), Floats(SecondMoment),
                (float)keep, (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)rootCorrection, (float)settings.Epsilon, (float)stepSize);
        else
            StepWithTensors(keep, stepSize, rootCorrection);
    }

    /// <summary>Goes on from a saved state.</summary>
    public void Restore(long steps, Tensor firstMoment, Tensor secondMoment)
    {
        using var noGrad = no_grad();
        Steps = steps;
        FirstMoment.copy_(firstMoment);
        SecondMoment.copy_(secondMoment);
    }

    private void StepWithTensors(double keep, double stepSize, double rootCorrection)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var gradient = parameters.Gradients;
        parameters.Values.mul_((float)keep);
        FirstMoment.lerp_(gradient, (float)(1 - settings.Beta1));
        SecondMoment.mul_((float)settings.Beta2).addcmul_(gradient, gradient, (float)(1 - settings.Beta2));
        var denominator = (SecondMoment.sqrt() / (float)rootCorrection).add_((float)settings.Epsilon);
        parameters.Values.addcdiv_(FirstMoment, denominator, (float)-stepSize);
    }

    private static Span<float> Floats(Tensor t) => MemoryMarshal.Cast<byte, float>(t.bytes);

    /// <summary>Frees the moments.</summary>
    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }
}
