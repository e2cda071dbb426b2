using LowRank.Kernels.Cpu;
using LowRank.Kernels.Cuda;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Optimizers;

/// <summary>
/// AdamW over flat buffers, with the order of operations of torch's <c>AdamW</c>: decay, moments, bias corrections, step. On the CPU it is one vectorised pass over
/// all parameter groups, on a GPU one kernel for each; without kernels, and as the plain twin in tests, a dozen tensor operations. How the moments are kept (<see cref="OptimizerKind"/>) and where
/// (<see cref="OptimizerPaging"/>) are settings. Results do not depend on the number of threads. Not for use from several threads.
/// </summary>
public sealed unsafe class AdamW : IDisposable
{
    private readonly FlatParameters parameters;
    private readonly AdamWSettings settings;
    private readonly IReadOnlyList<ParameterGroup> groups;
    private readonly MomentLayout layout;
    private readonly OptimizerState state;
    private readonly bool isCpu;
    private readonly bool vectorised;

    /// <summary>Creates moments of zero.</summary>
    /// <param name="parameters">What to train.</param>
    /// <param name="settings">Betas, epsilon, decay, and how the moments are kept.</param>
    /// <param name="groups">Groups with learning rates and decays of their own, which together hold each parameter once; null trains all alike.</param>
    /// <param name="vectorised">False takes the plain path on the CPU too: tensor operations for fp32 moments, scalar code for 8-bit ones.</param>
    /// <exception cref="LowRankException">The file of a paged state cannot be made, or the parameters are not on the CPU and the moments are to be 8-bit or paged.</exception>
    public AdamW(FlatParameters parameters, AdamWSettings settings, IReadOnlyList<ParameterGroup>? groups = null, bool vectorised = true)
        : this(parameters, settings, groups, vectorised, null)
    {
    }

    /// <summary>With a state of a test's making.</summary>
    internal AdamW(FlatParameters parameters, AdamWSettings settings, IReadOnlyList<ParameterGroup>? groups, bool vectorised, Func<MomentLayout, OptimizerState>? stateOf)
    {
        (this.parameters, this.settings, this.vectorised) = (parameters, settings, vectorised);
        this.groups = groups ?? [new ParameterGroup("all", 1, settings.WeightDecay, [.. Enumerable.Range(0, parameters.Parameters.Count)])];
        isCpu = parameters.Values.device_type == DeviceType.CPU;
        if (!isCpu && (settings.Kind != OptimizerKind.AdamW || settings.Paging is not null))
            throw new LowRankException($"8-bit and paged optimizer states are built for the CPU, the parameters are on {parameters.Values.device}. Use the optimizer adamw without paging.");
        layout = new MomentLayout(settings.Kind, parameters, this.groups);
        state = stateOf is not null ? stateOf(layout) : settings.Paging is { } paging ? new PagedState(layout, paging) : new ResidentState(layout, parameters.Values.device);
        State = layout.Buffers.ToDictionary(b => b.Name, state.View);
    }

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>How the moments are kept.</summary>
    public OptimizerKind Kind => settings.Kind;

    /// <summary>
    /// The state by name: flat tensors, to be saved as they are. <c>first_moment</c> and <c>second_moment</c> are fp32, in the layout of the parameters; with 8-bit moments
    /// they hold small tensors only, and beside them are <c>state1</c>, <c>state2</c> (codes, one byte each, signed and unsigned map) and <c>absmax1</c>, <c>absmax2</c> (fp32).
    /// </summary>
    public IReadOnlyDictionary<string, Tensor> State { get; }

    /// <summary>What the last step moved to and from the file of a paged state; null without one, and before the first step.</summary>
    public PagingTraffic? Traffic { get; private set; }

    /// <summary>Takes one step with the gradients as they are.</summary>
    /// <param name="learningRate">The learning rate of this step; groups multiply it by their factors.</param>
    public void Step(double learningRate)
    {
        Steps++;
        TrainableParameter.Changed();
        var kernels = vectorised && Kind == OptimizerKind.AdamW ? CudaKernels.For(parameters.Values) : null;
        if (!isCpu || kernels is not null || (!vectorised && Kind == OptimizerKind.AdamW))
        {
            StepWithTensors(learningRate, kernels);
            return;
        }
        var steps = new AdamWStep[groups.Count];
        for (var g = 0; g < steps.Length; g++) steps[g] = new AdamWStep(settings, learningRate * groups[g].LearningRateFactor, groups[g].WeightDecay, Steps);
        float* values = Pointer<float>(parameters.Values), gradients = Pointer<float>(parameters.Gradients);
        float* first = Pointer<float>(layout.First), second = Pointer<float>(layout.Second);
        var codes = new QuantizedMoments(Pointer<byte>(layout.Codes1), Pointer<byte>(layout.Codes2), Pointer<float>(layout.Scales1), Pointer<float>(layout.Scales2));
        var threads = new ParallelOptions { MaxDegreeOfParallelism = TorchThreads.Count };
        for (var w = 0; w < layout.Windows.Count; w++)
        {
            state.Begin(w);
            Parallel.For(layout.Windows[w].Begin, layout.Windows[w].End, threads, r =>
            {
                var range = layout.Ranges[r];
                float* v = values + range.Start, g = gradients + range.Start;
                var block = range.First / MomentLayout.BlockSize;
                if (!range.IsQuantized) AdamWKernel.Update(v, g, first + range.First, second + range.First, range.Count, steps[range.Group]);
                else AdamW8BitKernel.Update(v, g, new(codes.Codes1 + range.First, codes.Codes2 + range.First, codes.Scales1 + block, codes.Scales2 + block), range.Count, steps[range.Group], vectorised);
            });
            state.End(w);
        }
        Traffic = state.EndStep();
    }

    /// <summary>Goes on from a saved state.</summary>
    /// <param name="steps">Steps that had been taken.</param>
    /// <param name="saved">Gives the saved tensor for each name of <see cref="State"/>, of the same length and type.</param>
    public void Restore(long steps, Func<string, Tensor> saved)
    {
        ArgumentNullException.ThrowIfNull(saved);
        using var noGrad = no_grad();
        Steps = steps;
        foreach (var (name, buffer) in State)
        {
            using var scope = NewDisposeScope();
            buffer.copy_(saved(name));
        }
    }

    private void StepWithTensors(double learningRate, CudaKernels? kernels)
    {
        using var noGrad = no_grad();
        foreach (var range in layout.Runs())
        {
            using var scope = NewDisposeScope();
            Tensor Of(Tensor buffer) => buffer.narrow(0, range.Start, range.Length);
            var group = groups[range.Group];
            var step = new AdamWStep(settings, learningRate * group.LearningRateFactor, group.WeightDecay, Steps);
            var (gradient, first, second) = (Of(parameters.Gradients), Of(state.View(layout.First!)), Of(state.View(layout.Second!)));
            if (kernels is not null)
            {
                kernels.AdamW(Of(parameters.Values), gradient, first, second, step);
                continue;
            }
            Of(parameters.Values).mul_(Scalars.Of(step.Keep));
            first.lerp_(gradient, step.OneMinusBeta1);
            second.mul_(Scalars.Of(step.Beta2)).addcmul_(gradient, gradient, Scalars.Of(step.OneMinusBeta2));
            var denominator = (second.sqrt() / Scalars.Of(step.RootCorrection)).add_(Scalars.Of(step.Epsilon), Scalars.One);
            Of(parameters.Values).addcdiv_(first, denominator, Scalars.Of(-step.StepSize));
        }
    }

    private T* Pointer<T>(StateBuffer? buffer)
        where T : unmanaged => buffer is null ? null : Pointer<T>(state.View(buffer));

    private static T* Pointer<T>(Tensor tensor)
        where T : unmanaged => (T*)TensorMemory.DataPointer(tensor);

    /// <summary>Frees the moments.</summary>
    public void Dispose() => state.Dispose();
}
