using LowRank.Adapters;

namespace LowRank.Tests.Adapters;

public sealed class TargetSelectionTests
{
    private static readonly AdaptableModule[] Model = [.. Llama(layers: 3)];

    [Theory]
    [InlineData("qv", "q_proj,v_proj")]
    [InlineData("QKV", "q_proj,k_proj,v_proj")]
    [InlineData("attention", "q_proj,k_proj,v_proj,o_proj")]
    [InlineData("mlp", "gate_proj,up_proj,down_proj")]
    [InlineData("qv,down_proj", "q_proj,v_proj,down_proj")]
    [InlineData("all-linear", "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj")]
    public void Presets_become_names(string target, string names)
    {
        var selection = TargetMatcher.Select(new LoraConfig { TargetModules = ModulePattern.Parse(target) }, Model);
        Assert.Equal(names.Split(','), selection.Config.TargetModules!.Entries);
        Assert.Equal(3 * names.Split(',').Length, selection.Targets.Count);
        Assert.Empty(selection.Warnings);
        LoraConfig.Parse(selection.Config.ToJson());
    }

    [Fact]
    public void A_preset_finds_fused_projections()
    {
        AdaptableModule[] gpt2 = [Linear("transformer.h.0.attn.c_attn"), Linear("transformer.h.0.attn.c_proj"), Linear("transformer.h.0.mlp.c_fc"), Linear("transformer.h.0.mlp.c_proj")];
        Assert.Equal(["c_attn"], TargetPresets.Expand("qv", gpt2));
        Assert.Equal(["c_attn", "attn.c_proj"], TargetPresets.Expand("attention", gpt2));
        Assert.Equal(["c_fc", "mlp.c_proj"], TargetPresets.Expand("mlp", gpt2));
    }

    [Fact]
    public void A_preset_can_be_limited_to_layers()
    {
        var selection = TargetMatcher.Select(new LoraConfig { TargetModules = ModulePattern.Preset("qv"), LayersToTransform = [1] }, Model);
        Assert.Equal(["model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.v_proj"], selection.Targets.Select(t => t.Module.Name));
    }

    [Fact]
    public void The_family_gives_the_targets_where_none_are_named()
    {
        Assert.Equal(["q_proj", "v_proj"], TargetMatcher.Select(new LoraConfig(), Model, "llama").Config.TargetModules!.Entries);
        Assert.Contains("no default for the model type \"qwen3_moe\"", Assert.Throws<LoraConfigException>(() => TargetMatcher.Select(new LoraConfig(), Model, "qwen3_moe")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_matches_nothing_is_told_with_the_nearest_names()
    {
        var error = Assert.Throws<LoraConfigException>(() => TargetMatcher.Select(
            new LoraConfig { TargetModules = ["q_prj", "self_attn.v_poj", "v_proj"], ModulesToSave = ["lm_haed"], LayersToTransform = [1, 7] }, Model));
        Assert.Equal(4, error.Problems.Count);
        Assert.Contains("\"q_prj\" matches no module (did you mean q_proj", error.Problems[0], StringComparison.Ordinal);
        Assert.Contains("the linear modules are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, lm_head", error.Problems[0], StringComparison.Ordinal);
        Assert.Contains("did you mean self_attn.v_proj", error.Problems[1], StringComparison.Ordinal);
        Assert.Contains("there is no layer 7; the targets stand in the layers 0 to 2", error.Problems[2], StringComparison.Ordinal);
        Assert.Contains("did you mean lm_head", error.Problems[3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("q_proj", "matches no module; it has to match the whole name, such as model.layers.0.self_attn.q_proj")]
    [InlineData(".*norm", "model.layers.0.input_layernorm, model.layers.1.input_layernorm, model.layers.2.input_layernorm, model.norm cannot be adapted")]
    public void An_expression_that_does_not_fit_is_told(string expression, string message) =>
        Assert.Contains(message, Assert.Throws<LoraConfigException>(() => TargetMatcher.Select(new LoraConfig { TargetModules = expression }, Model)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_target_that_is_wholly_excluded_is_not_a_mistake()
    {
        var selection = TargetMatcher.Select(new LoraConfig { TargetModules = ["q_proj", "o_proj"], ExcludeModules = ["o_proj"] }, Model);
        Assert.Equal(3, selection.Targets.Count);
        Assert.Contains("no module is left", Assert.Throws<LoraConfigException>(() => TargetMatcher.Select(new LoraConfig { TargetModules = ["o_proj"], ExcludeModules = ["o_proj"] }, Model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Modules_to_save_take_plain_endings_as_PEFT_does()
    {
        var selection = TargetMatcher.Select(new LoraConfig { TargetModules = ["q_proj"], ModulesToSave = ["norm", "lm_head"] }, Model);
        Assert.Equal(["model.layers.0.input_layernorm", "model.layers.1.input_layernorm", "model.layers.2.input_layernorm", "model.norm", "lm_head"], selection.ModulesToSave.Select(m => m.Module.Name));
        Assert.Equal(3, selection.Targets.Count);
    }

    [Fact]
    public void A_tied_head_uses_the_matrices_of_the_embedding()
    {
        AdaptableModule[] tied = [.. Model.Select(m => m.Kind == ModuleKind.Head ? m with { TiedTo = "model.embed_tokens" } : m)];
        var selection = TargetMatcher.Select(new LoraConfig { Rank = 4, TargetModules = ["embed_tokens", "lm_head", "q_proj"], EnsureWeightTying = true, RankPattern = new() { ["embed_tokens"] = 2 } }, tied);
        Assert.Equal(["embed_tokens", "q_proj", "model.embed_tokens"], selection.Config.TargetModules!.Entries);
        var head = Assert.Single(selection.Targets, t => t.TiedTo is not null);
        Assert.Equal(("lm_head", "model.embed_tokens", 2), (head.Module.Name, head.TiedTo, head.Rank));
        // What was saved selects the same when it is loaded.
        Assert.Equal(selection.Targets, TargetMatcher.Select(LoraConfig.Parse(selection.Config.ToJson()), tied).Targets);

        var byExpression = TargetMatcher.Select(new LoraConfig { TargetModules = "embed_tokens|.*q_proj", EnsureWeightTying = true }, tied);
        Assert.Equal(@"(?:embed_tokens|.*q_proj|^model\.embed_tokens$)", byExpression.Config.TargetModules!.Entries[0]);
        Assert.Equal(byExpression.Config.TargetModules.Entries, TargetMatcher.Select(byExpression.Config, tied).Config.TargetModules!.Entries);

        var saved = TargetMatcher.Select(new LoraConfig { TargetModules = ["q_proj"], ModulesToSave = ["lm_head"], EnsureWeightTying = true }, tied);
        Assert.Equal(["model.embed_tokens"], saved.Config.ModulesToSave);
        Assert.Equal([("model.embed_tokens", null), ("lm_head", "model.embed_tokens")], saved.ModulesToSave.Select(m => (m.Module.Name, m.TiedTo)));

        Assert.Contains("Set ensure_weight_tying", Assert.Single(TargetMatcher.Select(new LoraConfig { TargetModules = ["embed_tokens"] }, tied).Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_bias_of_B_does_not_go_on_an_embedding() =>
        Assert.Contains("lora_bias: an embedding (model.embed_tokens)", Assert.Throws<LoraConfigException>(() => TargetMatcher.Select(new LoraConfig { TargetModules = ["embed_tokens"], LoraBias = true }, Model)).Message, StringComparison.Ordinal);

    [Fact]
    public void Allowed_but_odd_settings_are_warned_of()
    {
        var selection = TargetMatcher.Select(new LoraConfig { TargetModules = ["q_proj"], ExcludeModules = ["no_such"], RankPattern = new() { ["k_proj"] = 2 }, LoraBias = true, FanInFanOut = true }, Model);
        Assert.Equal(4, selection.Warnings.Count);
        Assert.False(selection.Config.FanInFanOut);
    }

    [Theory]
    [InlineData(@"(?P<a>x)(y)(?P=a)\2", "xyxy", true)]
    [InlineData(@"(?P<a>x)(y)\1", "xyx", true)]
    [InlineData(@"[[a]b", "[b", true)]
    [InlineData(@"a{,2}", "aa", true)]
    [InlineData(@"a{,2}", "aaa", false)]
    [InlineData(@"a|ab", "ab", true)]
    [InlineData(@"(?i)Q_PROJ", "q_proj", true)]
    [InlineData(@"[]-]+\Z", "]-]", true)]
    [InlineData(@"(a)?(?(1)b|c)", "c", true)]
    public void Expressions_mean_what_they_mean_in_Python(string python, string text, bool want) =>
        Assert.Equal(want, PythonRegex.IsMatch(PythonRegex.FullMatch(python), text, python));

    [Theory]
    [InlineData("a++")]
    [InlineData("(?P<a")]
    [InlineData("(?P=b)")]
    [InlineData("(?a)x")]
    public void What_the_engine_cannot_do_is_refused(string python) => Assert.Throws<LoraConfigException>(() => PythonRegex.FullMatch(python));

    [Fact]
    public void An_endless_expression_is_stopped() =>
        Assert.Contains("without nested repetition", Assert.Throws<LoraConfigException>(() => PythonRegex.IsMatch(PythonRegex.FullMatch(@"(\w+)+\."), "model_layers_self_attn_q_projection_of_a_very_long_name", "x")).Message, StringComparison.Ordinal);

    private static IEnumerable<AdaptableModule> Llama(int layers)
    {
        yield return new AdaptableModule("model.embed_tokens", ModuleKind.Embedding, 100, 16, false);
        for (var i = 0; i < layers; i++)
        {
            foreach (var name in new[] { "q_proj", "k_proj", "v_proj", "o_proj" }) yield return Linear($"model.layers.{i}.self_attn.{name}");
            foreach (var name in new[] { "gate_proj", "up_proj", "down_proj" }) yield return Linear($"model.layers.{i}.mlp.{name}");
            yield return new AdaptableModule($"model.layers.{i}.input_layernorm", ModuleKind.Other, 0, 0, false);
        }
        yield return new AdaptableModule("model.norm", ModuleKind.Other, 0, 0, false);
        yield return new AdaptableModule("lm_head", ModuleKind.Head, 16, 100, false);
    }

    private static AdaptableModule Linear(string name) => new(name, ModuleKind.Linear, 16, 16, false);
}
