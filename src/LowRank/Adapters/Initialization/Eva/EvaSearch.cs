using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization.Eva;

/// <summary>
/// Looks for EVA's start (arXiv:2410.07170; PEFT's <c>initialize_lora_eva_weights</c>): while it lives, the targets of a configuration show their inputs, from which the principal
/// directions are found; a layer that has found those that it needs looks away, until it needs more. Modules that read the same input are decomposed once. Disposing it puts the layers back.
/// </summary>
internal sealed class EvaSearch : IDisposable
{
    private readonly LoraConfig config;
    private readonly EvaConfig eva;
    private readonly TargetSelection selection;
    private readonly IReadOnlyList<AdaptableModule> modules;
    private readonly List<EvaPlace> places = [];
    private readonly int budget;
    private Action<EvaPlace, Tensor>? see;
    private bool knowsShared;

    /// <summary>Puts observers into the slots.</summary>
    /// <param name="slots">The model's slots, which hold frozen layers.</param>
    /// <param name="config">The settings, with the start EVA.</param>
    /// <param name="modelType">The model's family, for its default targets.</param>
    /// <exception cref="LoraConfigException">The settings do not fit the model.</exception>
    public EvaSearch(IReadOnlyList<ModuleSlot> slots, LoraConfig config, string? modelType)
    {
        (this.config, eva, modules) = (config, config.Eva ?? new EvaConfig(), slots.Describe());
        selection = TargetMatcher.Select(config, modules, modelType);
        var byName = slots.OfType<LinearSlot>().ToDictionary(s => s.Name, StringComparer.Ordinal);
        foreach (var target in selection.Targets.Where(t => t.TiedTo is null && byName.ContainsKey(t.Module.Name)))
        {
            var place = new EvaPlace(target, byName[target.Module.Name], eva.Rho);
            places.Add(place);
            budget += target.Rank;
            place.Slot.Module = new ObservedLinear(place.Slot.Module, x => see?.Invoke(place, x));
        }
    }

    /// <summary>The most directions that are kept of an input: as many tokens a batch must give.</summary>
    public int MostDirections => places.Count == 0 ? 0 : places.Max(p => p.Most);

    /// <summary>Modules whose directions still turn.</summary>
    public int Searching => places.Count(p => !p.Shared.IsFound);

    /// <summary>All modules.</summary>
    public int Count => places.Count;

    /// <summary>Looks at the inputs of one batch.</summary>
    /// <param name="tokens">The places in the flattened batch whose tokens count, int64.</param>
    /// <param name="pass">Runs the model on the batch, without gradients.</param>
    public void Look(Tensor tokens, Action pass)
    {
        ArgumentNullException.ThrowIfNull(pass);
        if (!knowsShared)
        {
            // Modules that are shown one and the same tensor are told: the first of them is decomposed for all, with as many directions as any of them may have.
            var shown = new List<(Tensor Input, EvaPlace Place)>();
            Run(pass, (place, x) =>
            {
                place.Share(shown.Find(s => ReferenceEquals(s.Input, x)).Place);
                shown.Add((x, place.Shared));
            });
            knowsShared = true;
        }
        // As in PEFT a batch with fewer tokens than directions says nothing.
        Run(pass, (place, x) =>
        {
            if (place.Shared != place || place.IsFound || tokens.shape[0] < place.Most) return;
            using var scope = NewDisposeScope();
            place.Add(x.reshape(-1, x.shape[^1]).index_select(0, tokens).to(ScalarType.Float32));
        });
        if (places.Exists(p => p.Shared.Pca is null)) return;
        var ranks = Ranks();
        foreach (var own in places.Where(p => p.Shared == p)) own.Judge(places.Where(p => p.Shared == own).Max(p => ranks[p.Name]), eva.Tau);
    }

    private void Run(Action pass, Action<EvaPlace, Tensor> observer)
    {
        see = observer;
        try
        {
            pass();
        }
        finally
        {
            see = null;
        }
    }

    private Dictionary<string, int> Ranks() => RankShares.Of([.. places.Select(p => (p.Name, p.Shared.Name, (IReadOnlyList<float>)p.Shared.Pca!.ExplainedRatios))], budget);

    /// <summary>
    /// The configuration with the ranks that were found (<c>rank_pattern</c>, <c>alpha_pattern</c>; modules of rank 0 are no targets any more), and A <c>[rank, in]</c> of each module by its
    /// name, fp32, which the caller disposes.
    /// </summary>
    /// <exception cref="LowRankException">No batch had enough tokens.</exception>
    public (LoraConfig Config, IReadOnlyDictionary<string, Tensor> Directions) Result()
    {
        if (places.Exists(p => p.Shared.Pca is null))
            throw new LowRankException($"EVA met no batch with {MostDirections} tokens to look at, as many as directions of an input are kept (the rank times rho). Take a larger --batch, a smaller --rank, or --eva-rho 1.");
        var ranks = Ranks();
        var directions = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var (rankPattern, alphaPattern) = (new OrderedDictionary<string, int>(StringComparer.Ordinal), new OrderedDictionary<string, double>(StringComparer.Ordinal));
        foreach (var target in selection.Targets.Where(t => t.TiedTo is null))
        {
            var (name, rank, alpha) = (target.Module.Name, ranks.GetValueOrDefault(target.Module.Name, target.Rank), target.Alpha);
            if (rank == 0) continue;
            if (eva.AdjustsScaling && rank != target.Rank) alpha *= (double)rank / target.Rank;
            if (rank != config.Rank) rankPattern[name] = rank;
            if (alpha != config.Alpha) alphaPattern[name] = alpha;
            if (places.Find(p => p.Target == target) is { } place) directions[name] = place.Shared.Directions(rank, eva.Whitens);
        }
        var found = (LoraConfig)selection.Config with { Eva = eva, RankPattern = rankPattern, AlphaPattern = alphaPattern };
        return (ranks.ContainsValue(0) ? found with { TargetModules = Without(ranks), ExcludeModules = null } : found, directions);
    }

    private ModulePattern Without(Dictionary<string, int> ranks)
    {
        // From this number on PEFT says a list of targets with as few endings as it can.
        const int ManyTargets = 20;
        string[] kept = [.. selection.Targets.Select(t => t.Module.Name).Where(n => ranks.GetValueOrDefault(n, 1) > 0)];
        return ModulePattern.FromNames([.. kept.Length >= ManyTargets ? MinimalSuffixes.Of(kept, modules.Select(m => m.Name).Except(kept, StringComparer.Ordinal)) : kept]);
    }

    /// <summary>Puts the layers back.</summary>
    public void Dispose()
    {
        foreach (var place in places)
        {
            if (place.Slot.Module is ObservedLinear observed) place.Slot.Module = observed.Inner;
            place.Pca?.Dispose();
        }
    }
}
