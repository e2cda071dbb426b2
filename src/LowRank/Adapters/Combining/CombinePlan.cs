using System.Text.Json.Nodes;
using LowRank.Formats;

namespace LowRank.Adapters.Combining;

/// <summary>What a combination gives, found from configurations and shapes before a value is read; all that stands in its way is told together.</summary>
internal sealed class CombinePlan
{
    private const int Shown = 8;

    private readonly List<string> problems = [];
    private readonly List<string> warnings = [];

    public CombinePlan(IReadOnlyList<CombineSource> sources, CombineOptions options, IReadOnlyList<string> before)
    {
        (Sources, Options) = (sources, options);
        problems.AddRange(before);
        problems.AddRange(options.Problems());
        foreach (var source in sources) source.Examine(problems);
        Modules = [.. sources.SelectMany(s => s.Modules.Keys).Distinct(StringComparer.Ordinal)];
        CheckShapes();
        CheckRanks();
        CheckTies();
        CheckCopies();
        if (problems.Count > 0) throw new LoraConfigException("The adapters cannot be combined", problems);
        var largest = options.Rank ?? sources.SelectMany(s => s.Modules.Values).Max(m => m.Rank);
        Ranks = [.. Modules.Select(m => (m, RankOf(m, largest)))];
        Config = UnitScaling.With(Targets(sources[0].Config), [.. Ranks.Select(r => (r.Module, StoredRank(r.Rank)))]);
        Compare("base_model_name_or_path", s => s.Config.BaseModel);
        Compare("the fingerprint of the base (lowrank.json)", s => s.Folder.Record?.Base?.Weights);
        Compare("the form of 4 bits that they were trained over (lowrank.json)", s => s.Folder.Record?.Quantization?.TypeName);
    }

    /// <summary>The adapters.</summary>
    public IReadOnlyList<CombineSource> Sources { get; }

    /// <summary>How.</summary>
    public CombineOptions Options { get; }

    /// <summary>All modules that one of the adapters goes on, in the order in which they are met.</summary>
    public IReadOnlyList<string> Modules { get; }

    /// <summary>The new rank of each module.</summary>
    public IReadOnlyList<(string Module, int Rank)> Ranks { get; } = [];

    /// <summary>The rank that a module's matrices are written with: more than their own where they are filled up with zeros.</summary>
    public int StoredRank(int rank) => Options.Portable ? Ranks.Max(r => r.Rank) : rank;

    /// <summary>The configuration of the new adapter.</summary>
    public LoraConfig Config { get; } = new();

    /// <summary>What a person should know.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>What is recorded beside the new adapter: the base, where all adapters tell the same, and how it came to be.</summary>
    public AdapterRecord Record
    {
        get
        {
            var (first, records) = (Sources[0].Folder.Record, Sources.Select(s => s.Folder.Record).ToList());
            var run = new JsonObject
            {
                ["combined"] = new JsonArray([.. Sources.Select(s => (JsonNode)new JsonObject { ["name"] = s.Name, ["weight"] = s.Weight })]),
                ["method"] = Options.MethodName,
            };
            if (Options.Density is { } density) run["density"] = density;
            if (Options.IsTies) run["majority_sign"] = CombineText.Of(Options.MajoritySign);
            if (Options.IsDare) run["seed"] = Options.Seed;
            return new AdapterRecord(records.TrueForAll(r => r?.Base == first?.Base) ? first?.Base : null, run,
                records.TrueForAll(r => r?.Quantization?.TypeName == first?.Quantization?.TypeName) ? first?.Quantization : null);
        }
    }

    /// <summary>Those of the adapters that go on a module.</summary>
    public IReadOnlyList<CombineSource> Of(string module) => [.. Sources.Where(s => s.Modules.ContainsKey(module))];

    private int RankOf(string module, int largest)
    {
        var parts = Of(module).Select(s => s.Modules[module]).ToList();
        var sum = parts.Sum(p => p.Rank);
        if (Options.NeedsEqualRanks) return parts[0].Rank;
        if (!Options.IsSvd) return sum;
        // A weighted sum has no more directions than its parts together; a pruned one may have as many as the matrix.
        var most = Math.Min(parts[0].In, parts[0].Out);
        return (int)Math.Min(largest, Options.Method == CombinationMethod.Svd ? Math.Min(sum, most) : most);
    }

    private void CheckShapes()
    {
        foreach (var module in Modules)
        {
            var shapes = Of(module).Select(s => (s.Name, s.Modules[module].In, s.Modules[module].Out, s.Modules[module].IsEmbedding)).ToList();
            if (shapes.DistinctBy(s => (s.In, s.Out, s.IsEmbedding)).Count() > 1)
                problems.Add($"{module} has other widths in each: {string.Join(", ", shapes.Select(s => $"{s.Name} {s.In} to {s.Out}{(s.IsEmbedding ? " (embedding)" : "")}"))}. They are not of one base");
        }
    }

    private void CheckRanks()
    {
        if (!Options.NeedsEqualRanks) return;
        var unequal = Modules.Where(m => Of(m).Select(s => s.Modules[m].Rank).Distinct().Count() > 1).ToList();
        if (unequal.Count == 0) return;
        var of = string.Join("; ", unequal.Take(Shown).Select(m => $"{m}: {string.Join(", ", Of(m).Select(s => $"{s.Name} {s.Modules[m].Rank}"))}"));
        problems.Add($"{Options.MethodName} needs equal ranks ({of}{(unequal.Count > Shown ? $"; and {unequal.Count - Shown} more modules" : "")}). Take {(Options.Prunes ? $"{Options.MethodName}_svd" : "svd")} for a rank that you choose, or cat for the exact sum");
    }

    private void CheckTies()
    {
        var tied = Sources.Where(s => s.Modules.Values.Any(m => m.IsEmbedding)).ToList();
        if (tied.Select(s => s.Config.EnsureWeightTying).Distinct().Count() > 1) problems.Add("ensure_weight_tying is set in some of the adapters on the embedding only: the head follows it in these alone");
        foreach (var source in tied.Where(s => s.Config is { EnsureWeightTying: true } c && c.RankPattern.Count + c.AlphaPattern.Count > 0))
            problems.Add($"{source.Name}: ensure_weight_tying together with rank_pattern or alpha_pattern may scale the head unlike the embedding, which is not combined");
    }

    // Copies of a frozen embedding or head go into the new file; there is one of each only where the bases agree.
    private void CheckCopies()
    {
        foreach (var name in Sources.SelectMany(s => s.Copies).Distinct(StringComparer.Ordinal))
        {
            var holders = Sources.Where(s => s.Copies.Contains(name)).ToList();
            holders[0].Folder.Weights.TryGet(AdapterKeys.ToKey(name), out var first);
            foreach (var other in holders.Skip(1))
                if (!other.Folder.Weights.TryGet(first.Name, out var info) || info.Type != first.Type || !info.Shape.AsSpan().SequenceEqual(first.Shape) || !other.Folder.Weights.Bytes(info).SequenceEqual(holders[0].Folder.Weights.Bytes(first)))
                    problems.Add($"{name}: the bases of {holders[0].Name} and {other.Name} have different weights there");
        }
    }

    /// <summary>The targets: those of all adapters together, as PEFT has it, where these mean just the modules that were met; else the modules by their names.</summary>
    private LoraConfig Targets(LoraConfig first)
    {
        bool All(Func<LoraConfig, object?> of) => Sources.Select(s => of(s.Config)).Distinct().Count() == 1;
        var kinds = Sources.Select(s => s.Config.TargetModules!.Kind).Distinct().ToList();
        var entries = Sources.SelectMany(s => s.Config.TargetModules!.Entries).Distinct(StringComparer.Ordinal).ToArray();
        if (kinds.Count == 1 && All(c => (c.ExcludeModules?.ToString(), c.ExcludeModules?.Kind, CombineText.Of(c.LayersToTransform), CombineText.Of(c.LayersPattern))))
            return first with
            {
                TargetModules = kinds[0] == ModulePatternKind.Names ? ModulePattern.FromNames(entries)
                    : ModulePattern.Regex(entries.Length == 1 ? entries[0] : string.Join('|', entries.Select(e => $"({e})"))),
            };
        return first with { TargetModules = ModulePattern.FromNames([.. Modules]), ExcludeModules = null, LayersToTransform = null, LayersPattern = null };
    }

    private void Compare(string what, Func<CombineSource, string?> of)
    {
        var told = Sources.Select(s => (s.Name, Value: of(s))).Where(t => t.Value is not null).ToList();
        if (told.DistinctBy(t => t.Value).Count() > 1) warnings.Add($"The adapters differ in {what}: {string.Join(", ", told.Select(t => $"{t.Name} {t.Value}"))}. Their sum means little where the bases are not the same.");
    }
}
