using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

/// <summary>Matching of modules against PEFT 0.21.2: numerics/adapters/targets.</summary>
public sealed class TargetMatcherGoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> MatcherCases => AdapterGoldens.Cases("numerics/adapters/targets/matcher", "matcher.json", "cases");

    [Theory, MemberData(nameof(MatcherCases)), Trait("Category", "Golden")]
    public void Matches_the_modules_that_PEFT_wraps(string name)
    {
        var modules = Texts(AdapterGoldens.Targets("matcher.json")!["modules"]!);
        var golden = AdapterGoldens.Case("matcher.json", "cases", name);
        var matcher = new TargetMatcher(LoraConfig.Parse(golden["config"]!.ToJsonString()));
        Assert.Equal(Texts(golden["matches"]!), modules.Where(m => matcher.Match(m) == TargetMatch.Target));
        Assert.Equal(Texts(golden["excluded"]!), modules.Where(m => matcher.Match(m) == TargetMatch.Excluded));
    }

    public static IEnumerable<TheoryDataRow<string>> PatternCases => AdapterGoldens.Cases("numerics/adapters/targets/patterns", "patterns.json", "cases");

    [Theory, MemberData(nameof(PatternCases)), Trait("Category", "Golden")]
    public void Finds_the_first_matching_key_of_a_pattern(string name)
    {
        var golden = AdapterGoldens.Case("patterns.json", "cases", name);
        var module = golden["module"]!.GetValue<string>();
        Assert.Equal(golden["key"]!.GetValue<string>(), TargetMatcher.FirstMatchingKey(Texts(golden["patterns"]!), module) ?? module);
    }

    public static IEnumerable<TheoryDataRow<string>> RankCases => AdapterGoldens.Cases("numerics/adapters/targets/ranks", "patterns.json", "ranks");

    [Theory, MemberData(nameof(RankCases)), Trait("Category", "Golden")]
    public void Gives_each_module_its_rank_alpha_and_scaling(string name)
    {
        var golden = AdapterGoldens.Case("patterns.json", "ranks", name);
        var modules = golden["modules"]!.AsObject();
        var selection = TargetMatcher.Select(LoraConfig.Parse(golden["config"]!.ToJsonString()), [.. modules.Select(m => Linear(m.Key))]);
        Assert.Equal(modules.Select(m => m.Key), selection.Targets.Select(t => t.Module.Name));
        foreach (var target in selection.Targets)
        {
            var want = modules[target.Module.Name]!;
            Assert.Equal(want["r"]!.GetValue<int>(), target.Rank);
            Assert.Equal(want["lora_alpha"]!.GetValue<double>(), target.Alpha);
            Assert.Equal(want["scaling"]!.GetValue<double>(), target.Scaling); // the same two operations in double: equal to the bit
        }
    }

    public static IEnumerable<TheoryDataRow<string>> AllLinearCases => AdapterGoldens.Cases("numerics/adapters/targets/all_linear", "all_linear.json", "cases");

    [Theory, MemberData(nameof(AllLinearCases)), Trait("Category", "Golden")]
    public void All_linear_leaves_out_the_head(string name)
    {
        var golden = AdapterGoldens.Case("all_linear.json", "cases", name);
        var modules = Texts(golden["linear"]!).Select(m => m == "lm_head" ? Linear(m) with { Kind = ModuleKind.Head } : Linear(m)).ToArray();
        var selection = TargetMatcher.Select(new LoraConfig { TargetModules = "ALL-linear", TaskType = golden["task_type"]?.GetValue<string>() }, modules);
        Assert.Equal(Texts(golden["targets"]!).Order(StringComparer.Ordinal), selection.Targets.Select(t => t.Module.Name).Order(StringComparer.Ordinal));
    }

    public static IEnumerable<TheoryDataRow<string>> DefaultCases => AdapterGoldens.Cases("numerics/adapters/targets/defaults", "defaults.json", "cases",
        name => name.Split(':')[1] is "lora" or "adalora" or "ia3" or "ia3_feedforward" ? null : $"adapters of the kind {name.Split(':')[1]} are refused by name");

    [Theory, MemberData(nameof(DefaultCases)), Trait("Category", "Golden")]
    public void Knows_the_default_targets_of_the_families(string name)
    {
        var targets = AdapterGoldens.Case("defaults.json", "cases", name)["targets"]!.AsObject();
        var method = name.Split(':')[1];
        // Other kinds have more families than PEFT's tables: where those have none, LoRA's targets are taken.
        if (method == "lora") Assert.Equal(targets.Select(t => t.Key).Order(StringComparer.Ordinal), FamilyTargetModules.ModelTypes.Order(StringComparer.Ordinal));
        foreach (var (modelType, want) in targets)
        {
            var got = method switch
            {
                "lora" => FamilyTargetModules.For(modelType),
                "adalora" => FamilyTargetModules.For(AdapterKind.AdaLora, modelType),
                "ia3" => FamilyTargetModules.For(AdapterKind.Ia3, modelType),
                _ => FamilyTargetModules.FeedForwardOfIa3(modelType),
            };
            Assert.NotNull(got);
            if (want is JsonArray names) Assert.Equal(Texts(names), got.Entries);
            else Assert.Equal((ModulePatternKind.Regex, want!.GetValue<string>()), (got.Kind, got.Entries[0]));
        }
    }

    private static string[] Texts(JsonNode list) => [.. list.AsArray().Select(n => n!.GetValue<string>())];

    private static AdaptableModule Linear(string name) => new(name, ModuleKind.Linear, 8, 8, false);
}
