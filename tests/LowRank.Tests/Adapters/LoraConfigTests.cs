using LowRank.Adapters;

namespace LowRank.Tests.Adapters;

public sealed class LoraConfigTests
{
    [Fact]
    public void Defaults_are_those_of_PEFT()
    {
        var config = new LoraConfig();
        Assert.Equal((8, 8.0, 0.0, false), (config.Rank, config.Alpha, config.Dropout, config.UseRslora));
        Assert.Null(config.TargetModules);
        Assert.Null(config.ExcludeModules);
        Assert.Null(config.LayersToTransform);
        Assert.Null(config.ModulesToSave);
        Assert.Equal(BiasTraining.None, config.Bias);
        Assert.Equal(LoraInitialization.KaimingUniform, config.Initialization);
        Assert.False(config.LoraBias || config.EnsureWeightTying || config.FanInFanOut);
        config.Validate();
    }

    [Theory]
    [InlineData(8, 16, false, 2.0)]
    [InlineData(16, 16, true, 4.0)]
    public void Scaling_is_alpha_over_rank_or_its_root(int rank, double alpha, bool rslora, double want) =>
        Assert.Equal(want, new LoraConfig { UseRslora = rslora }.Scaling(rank, alpha));

    [Fact]
    public void A_new_configuration_is_written_as_PEFT_writes_it()
    {
        var json = new LoraConfig
        {
            Rank = 4,
            Alpha = 2.5,
            Dropout = 0.05,
            TargetModules = ["q_proj", "v_proj"],
            RankPattern = new() { ["z\\.q_proj"] = 2, ["a"] = 3 },
            BaseModel = "modèle/💡",
            LayersToTransform = [0, 2],
        }.ToJson();
        Assert.StartsWith("{\n  \"alora_invocation_tokens\": null,\n  \"alpha_pattern\": {},\n", json, StringComparison.Ordinal);
        Assert.Contains("\"base_model_name_or_path\": \"mod\\u00e8le/\\ud83d\\udca1\"", json, StringComparison.Ordinal);
        Assert.Contains("\"lora_alpha\": 2.5,", json, StringComparison.Ordinal);
        Assert.Contains("\"lora_dropout\": 0.05,", json, StringComparison.Ordinal);
        Assert.Contains("\"layers_to_transform\": [\n    0,\n    2\n  ],", json, StringComparison.Ordinal);
        // The first match counts, so the order of a pattern is kept where PEFT would sort it.
        Assert.Contains("\"rank_pattern\": {\n    \"z\\\\.q_proj\": 2,\n    \"a\": 3\n  }", json, StringComparison.Ordinal);
        Assert.EndsWith("\"velora_config\": null\n}", json, StringComparison.Ordinal);
        Assert.Equal(json, LoraConfig.Parse(json).ToJson());
    }

    [Fact]
    public void Fields_that_were_read_are_written_as_they_were()
    {
        const string json = "{\n  \"a_new_flag\": false,\n  \"lora_alpha\": 16.0,\n  \"layers_pattern\": \"layers\",\n  \"layers_to_transform\": 1,\n  \"r\": 8,\n  \"target_modules\": [\n    \"q_proj\"\n  ]\n}";
        var config = LoraConfig.Parse(json);
        Assert.Equal(json.Replace("\n  \"lora_alpha\": 16.0,", "", StringComparison.Ordinal).Replace("\"r\": 8", "\"lora_alpha\": 16.0,\n  \"r\": 8", StringComparison.Ordinal), config.ToJson());
        Assert.Contains("\"lora_alpha\": 4,", (config with { Alpha = 4 }).ToJson(), StringComparison.Ordinal);
        Assert.Contains("\"bias\": \"all\"", (config with { Bias = BiasTraining.All }).ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void All_fields_that_are_not_supported_are_named_at_once()
    {
        var error = Assert.Throws<LoraConfigException>(() => LoraConfig.Parse(
            """{"r": 0, "use_qalora": true, "layer_replication": [1], "init_lora_weights": "pissa_niter_x", "frobnicate": {"x": 1}, "lora_alpha": "8", "bias": "some", "eva_config": null}""", "a/adapter_config.json"));
        Assert.Equal(7, error.Problems.Count);
        foreach (var name in new[] { "r: 0", "use_qalora: QALoRA is not supported yet", "layer_replication", "init_lora_weights: \"pissa_niter_x\" is not supported yet", "frobnicate", "lora_alpha: expected a number, found \"8\"", "bias: expected \"none\", \"all\" or \"lora_only\"" })
            Assert.Contains(error.Problems, p => p.StartsWith(name, StringComparison.Ordinal));
        Assert.StartsWith("a/adapter_config.json: 7 problems\n", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"r\": 8,\n \"lora_alpha\": }", "x.json, line 2, column 16: this is not valid JSON")]
    [InlineData("{\"r\": 8, \"r\": 9}", "x.json: this is not valid JSON (Duplicate property 'r'")]
    [InlineData("[]", "x.json: expected an object")]
    [InlineData("{\"peft_type\": \"VERA\"}", "x.json: peft_type is \"VERA\"; LORA, ADALORA, MISS, IA3 are supported")]
    [InlineData("{\"r\": 1.5}", "r: expected a whole number, found 1.5")]
    [InlineData("{\"target_modules\": \"(unclosed\"}", "target_modules: \"(unclosed\" is not a regular expression")]
    [InlineData("{\"target_modules\": [1]}", "target_modules: expected a list of names")]
    [InlineData("{\"target_modules\": \"all-linear\", \"layers_to_transform\": [1]}", "layers_to_transform: cannot be used when target_modules is a string")]
    [InlineData("{\"layers_pattern\": \"h\"}", "layers_pattern: needs layers_to_transform")]
    [InlineData("{\"lora_bias\": true, \"init_lora_weights\": \"gaussian\"}", "lora_bias: works only with")]
    [InlineData("{\"lora_bias\": true, \"init_lora_weights\": \"pissa_niter_4\"}", "lora_bias: works only with init_lora_weights true or false, not \"pissa_niter_4\"")]
    [InlineData("{\"init_lora_weights\": \"pissa\", \"use_dora\": true}", "use_dora: DoRA that starts from the weight (init_lora_weights \"pissa\") is not supported yet")]
    [InlineData("{\"init_lora_weights\": \"pissa\", \"alpha_pattern\": {\"q\": -2}}", "divides by the scaling, so that -2.0 must be above 0")]
    [InlineData("{\"init_lora_weights\": \"orthogonal\", \"r\": 4, \"rank_pattern\": {\"q\": 3}}", "\"orthogonal\" needs an even rank, not 3")]
    [InlineData("{\"init_lora_weights\": \"loftq\"}", "init_lora_weights: \"loftq\" says that the adapter belongs on a base which was quantized together with it")]
    [InlineData("{\"init_lora_weights\": \"eva\", \"eva_config\": {\"rho\": 0.5, \"tau\": 2}}", "eva_config: rho 0.5 must be at least 1")]
    [InlineData("{\"eva_config\": {\"frobnicate\": 1}}", "eva_config: expected an object of EVA's settings or null, found {")]
    [InlineData("{\"init_lora_weights\": \"corda\"}", "init_lora_weights: \"corda\" is not supported yet")]
    [InlineData("{\"init_lora_weights\": 1}", "init_lora_weights: expected one of true, false, \"gaussian\", \"pissa\", \"olora\", \"orthogonal\", \"eva\" and \"pissa_niter_N\", found 1")]
    [InlineData("{\"rank_pattern\": {\"q\": 0}}", "rank_pattern: the rank 0 of \"q\" must be at least 1")]
    [InlineData("{\"lora_dropout\": 1.0}", "lora_dropout: 1.0 must be at least 0 and below 1")]
    [InlineData("{\"modules_to_save\": \"lm_head\"}", "modules_to_save: expected a list of names or null")]
    public void A_wrong_file_is_told_with_place_and_reason(string json, string message) =>
        Assert.Contains(message, Assert.Throws<LoraConfigException>(() => LoraConfig.Parse(json, "x.json")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"pissa\"", LoraInitialization.Pissa, null)]
    [InlineData("\"pissa_niter_16\"", LoraInitialization.Pissa, 16)]
    [InlineData("\"olora\"", LoraInitialization.OLora, null)]
    [InlineData("\"orthogonal\"", LoraInitialization.Orthogonal, null)]
    [InlineData("\"gaussian\"", LoraInitialization.Gaussian, null)]
    [InlineData("\"eva\"", LoraInitialization.Eva, null)]
    [InlineData("false", LoraInitialization.Random, null)]
    [InlineData("true", LoraInitialization.KaimingUniform, null)]
    public void Every_start_is_read_and_written_as_PEFT_names_it(string text, LoraInitialization kind, int? iterations)
    {
        var config = LoraConfig.Parse($"{{\"init_lora_weights\": {text}}}");
        Assert.Equal((kind, iterations), (config.Initialization, config.PissaIterations));
        Assert.Contains($"\"init_lora_weights\": {text},", new LoraConfig { Initialization = kind, PissaIterations = iterations }.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_told() =>
        Assert.Contains("adapter_config.json and adapter_model.safetensors", Assert.Throws<LoraConfigException>(() => LoraConfig.Load("no/such/folder")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("all-linear", ModulePatternKind.AllLinear, "all-linear")]
    [InlineData("q_proj, v_proj", ModulePatternKind.Names, "q_proj|v_proj")]
    [InlineData("qv", ModulePatternKind.Preset, "qv")]
    [InlineData("attention,down_proj", ModulePatternKind.Preset, "attention|down_proj")]
    [InlineData(@".*\.(q|v)_proj", ModulePatternKind.Regex, @".*\.(q|v)_proj")]
    public void A_target_of_the_command_line_is_understood(string text, ModulePatternKind kind, string entries)
    {
        var pattern = ModulePattern.Parse(text);
        Assert.Equal((kind, entries), (pattern.Kind, kind == ModulePatternKind.Regex ? pattern.Entries[0] : string.Join('|', pattern.Entries)));
    }

    [Theory]
    [InlineData(0, "0.0")]
    [InlineData(1, "1.0")]
    [InlineData(0.05, "0.05")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(1.5e-7, "1.5e-07")]
    [InlineData(1e16, "1e+16")]
    [InlineData(123456789012345680.0, "1.2345678901234568e+17")]
    [InlineData(1234567890123456.0, "1234567890123456.0")]
    [InlineData(-2.5, "-2.5")]
    public void Floats_are_spelled_as_Python_spells_them(double value, string want) => Assert.Equal(want, PythonNumber.Format(value));
}
