using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.AdaLora;

/// <summary>
/// Shares out AdaLoRA's budget of ranks in training (arXiv:2303.10512, sections 3.2 and 3.3; PEFT's <c>RankAllocator</c>, step for step). Importance is a smoothed |w · g| times a
/// smoothed uncertainty of it; a triplet's is that of its singular value and the means of its two vectors; the least important lose their singular value until the budget,
/// which falls by a cubic schedule, is kept. Not for use from several threads.
/// </summary>
internal sealed class RankAllocator : IDisposable
{
    private const byte Undecided = 2;

    private readonly AdaLoraConfig config;
    private readonly IReadOnlyList<AdaLoraAdapter> modules;
    private readonly FlatParameters flat;
    private readonly Dictionary<string, Tensor> state = new(StringComparer.Ordinal);
    private readonly Dictionary<TrainableParameter, int> places;
    private readonly int totalSteps;

    /// <summary>Prepares the allocation for a run.</summary>
    /// <param name="config">The settings, with the steps of the run.</param>
    /// <param name="modules">The adapted modules in the model's order.</param>
    /// <param name="flat">The parameters of the run.</param>
    public RankAllocator(AdaLoraConfig config, IReadOnlyList<AdaLoraAdapter> modules, FlatParameters flat)
    {
        (this.config, this.modules, this.flat) = (config, modules, flat);
        totalSteps = config.TotalSteps ?? throw new ArgumentException("AdaLoRA needs the steps of the run.", nameof(config));
        places = flat.Parameters.Select((p, i) => (p, i)).ToDictionary(x => x.p, x => x.i);
        InitialBudget = modules.Sum(m => (int)m.A.Shape[0]);
        state["adalora_importance"] = zeros_like(flat.Values).DetachFromDisposeScope();
        state["adalora_uncertainty"] = zeros_like(flat.Values).DetachFromDisposeScope();
        state["adalora_kept"] = full([Math.Max(1, InitialBudget)], Undecided, ScalarType.Byte).DetachFromDisposeScope();
    }

    /// <summary>Ranks of all modules at first.</summary>
    public int InitialBudget { get; }

    /// <summary>Ranks of all modules at the end.</summary>
    public int TargetBudget => config.TargetRank * modules.Count;

    /// <summary>What a checkpoint has to keep: the two averages in the layout of the parameters (fp32), and which triplets are kept (one byte each; 2 while that was not decided).</summary>
    public IReadOnlyDictionary<string, Tensor> State => state;

    /// <summary>The threshold at or below which triplets lost their value in the last allocation; null before the first.</summary>
    public float? LastThreshold { get; private set; }

    /// <summary>The ranks that step <paramref name="step"/> (from 0) leaves, and whether it allocates.</summary>
    public (int Budget, bool Allocates) Schedule(int step)
    {
        if (step <= config.InitialSteps) return (InitialBudget, false);
        if (step > totalSteps - config.FinalSteps) return (TargetBudget, true);
        var left = 1 - (double)(step - config.InitialSteps) / (totalSteps - config.FinalSteps - config.InitialSteps);
        return ((int)((InitialBudget - TargetBudget) * (left * left * left) + TargetBudget), step % config.Interval == 0);
    }

    /// <summary>
    /// Adds the gradient of the orthogonality of A and B, <c>w · mean(‖A Aᵀ - I‖ + ‖Bᵀ B - I‖)</c>, to the parameters' gradients.
    /// </summary>
    /// <returns>The mean without its weight w.</returns>
    public double AddPenalty()
    {
        using var noGrad = no_grad();
        var sum = 0.0;
        foreach (var module in modules)
        {
            if (module.A.Shape[0] == 0) continue;
            sum += Penalty(module.A, isRows: true) + Penalty(module.B, isRows: false);
        }
        return sum / (2 * modules.Count);
    }

    private double Penalty(TrainableParameter parameter, bool isRows)
    {
        using var scope = NewDisposeScope();
        var value = parameter.Value.detach();
        var off = isRows ? value.mm(value.t()) : value.t().mm(value);
        off.sub_(eye(off.shape[0], device: off.device));
        var norm = off.norm().item<float>();
        // At zero PyTorch's norm has the gradient zero.
        if (norm > 0) Gradient(parameter).add_(isRows ? off.mm(value) : value.mm(off), Scalars.Of((float)(2 * config.OrthogonalWeight / (2 * modules.Count) / norm)));
        return norm;
    }

    /// <summary>Looks at the gradients of step <paramref name="step"/> (from 0), whose optimizer step was taken, and allocates where that is due.</summary>
    public void AfterStep(int step)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var last = totalSteps - config.FinalSteps;
        if (step < last) Observe();
        if (step > last)
        {
            foreach (var module in modules)
                if (module.Kept is { } kept) Mask(module, kept);
        }
        else if (Schedule(step) is var (budget, allocates) && (allocates || step == last)) Allocate(budget);
        TrainableParameter.Changed();
    }

    private void Observe()
    {
        var sensitivity = (flat.Values * flat.Gradients).abs_();
        Tensor importance = state["adalora_importance"], uncertainty = state["adalora_uncertainty"];
        importance.mul_(Scalars.Of((float)config.Beta1)).add_(sensitivity * Scalars.Of((float)(1 - config.Beta1)), Scalars.One);
        uncertainty.mul_(Scalars.Of((float)config.Beta2)).add_((sensitivity - importance).abs_() * Scalars.Of((float)(1 - config.Beta2)), Scalars.One);
    }

    private void Allocate(int budget)
    {
        var scores = modules.Select(Scores).ToArray();
        float[] all = [.. scores.SelectMany(s => s)];
        // The k-th smallest; with nothing to take away there is none.
        var taken = InitialBudget - budget;
        if (taken < 1) return;
        Array.Sort(all);
        var threshold = all[taken - 1];
        LastThreshold = threshold;
        for (var i = 0; i < modules.Count; i++)
        {
            modules[i].Kept = Array.ConvertAll(scores[i], s => !(s <= threshold));
            Mask(modules[i], modules[i].Kept!);
        }
        var place = 0;
        var kept = state["adalora_kept"].data<byte>();
        foreach (var module in modules)
            foreach (var isKept in module.Kept!) kept[place++] = isKept ? (byte)1 : (byte)0;
    }

    /// <summary>The importance of each triplet of a module.</summary>
    internal float[] Scores(AdaLoraAdapter module)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var rank = module.A.Shape[0];
        if (rank == 0) return [];
        var vectors = cat([Score(module.A).mean([1], keepdim: true), Score(module.B).mean([0]).view(-1, 1)], 1).sum(1);
        return Score(module.E).view(-1).add(vectors, Scalars.One).cpu().data<float>().ToArray();
    }

    private Tensor Score(TrainableParameter parameter) => View(state["adalora_importance"], parameter) * View(state["adalora_uncertainty"], parameter);

    private Tensor View(Tensor buffer, TrainableParameter parameter) => buffer.narrow(0, flat.Offsets[places[parameter]], parameter.Count).view(parameter.Shape);

    private Tensor Gradient(TrainableParameter parameter) => flat.GradientOf(places[parameter]);

    private static void Mask(AdaLoraAdapter module, IReadOnlyList<bool> kept)
    {
        using var mask = tensor(kept.Select(k => k ? 1f : 0f).ToArray(), device: module.E.Value.device).view(-1, 1);
        module.E.Value.detach().mul_(mask);
    }

    /// <summary>Takes over the state of a checkpoint, which was read into <see cref="State"/>.</summary>
    public void Restored()
    {
        var kept = state["adalora_kept"].data<byte>();
        var place = 0;
        foreach (var module in modules)
        {
            var rank = (int)module.A.Shape[0];
            var own = Enumerable.Range(place, rank).Select(i => kept[i]).ToArray();
            module.Kept = rank == 0 || own[0] == Undecided ? null : Array.ConvertAll(own, k => k == 1);
            place += rank;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var t in state.Values) t.Dispose();
    }
}
