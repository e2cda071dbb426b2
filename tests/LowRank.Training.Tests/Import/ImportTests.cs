using LowRank.Testing;
using LowRank.Training.Import;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Import;

/// <summary>What is refused, recognised, looked up and made explicit.</summary>
public sealed class ImportTests : IDisposable
{
    private const string Factory = "model_name_or_path: m/m\nfinetuning_type: lora\ndataset: org/d\ndataset_dir: ONLINE\ntemplate: qwen\noutput_dir: o\n";
    private const string Axolotl = "base_model: m/m\nadapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\nlearning_rate: 1e-4\ndatasets:\n  - path: org/d\n    type: chat_template\n";
    private const string Trl = "model_name_or_path: m/m\ndataset_name: org/d\nuse_peft: true\noutput_dir: o\n";
    private const string Peft = "{\"peft_type\": \"LORA\", \"r\": 8, \"lora_alpha\": 8, \"target_modules\": [\"q_proj\"]";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Factory, "deepspeed: ds_z3.json", "deepspeed: ds_z3.json: LowRank trains on one device")]
    [InlineData(Factory, "fsdp: full_shard auto_wrap", "fsdp: full_shard auto_wrap: LowRank trains on one device")]
    [InlineData(Factory, "stage: rm", "stage: rm: runs that learn answers (sft), preferences (dpo) or judged answers (kto) are imported")]
    [InlineData(Factory + "stage: dpo\n", "pref_loss: kto_pair", "pref_loss: kto_pair: LowRank has sigmoid, hinge, ipo, orpo and simpo. KTO itself takes the same rows")]
    [InlineData(Factory + "stage: kto\n", "pref_ftx: 0.5", "pref_ftx: 0.5: --objective kto has no loss of the good answers beside its own")]
    [InlineData(Factory + "stage: kto\n", "ref_model: m/other", "ref_model: m/other: the reference is the base without its adapter")]
    [InlineData(Trl + "undesirable_weight: 1.0\n", "loss_type: apo_zero_unpaired", "loss_type: apo_zero_unpaired: LowRank has the loss of KTO itself")]
    [InlineData(Factory, "quantization_bit: 8", "quantization_bit: 8: LowRank holds a base in 16 or in 4 bits")]
    [InlineData(Factory, "quantization_bit: 4\nquantization_method: hqq", "quantization_method: hqq")]
    [InlineData(Factory, "lr_scheduler_type: cosine_with_min_lr", "lr_scheduler_type: cosine_with_min_lr: LowRank has the schedules linear, cosine")]
    [InlineData(Factory, "optim: adafactor", "optim: adafactor: LowRank trains with AdamW")]
    [InlineData(Factory, "adam_beta2: 0.95", "adam_beta2: 0.95: LowRank's AdamW has 0.999")]
    [InlineData(Factory, "use_galore: true", "use_galore: true: LowRank trains with AdamW")]
    [InlineData(Factory, "add_tokens: <a>,<b>", "add_tokens: <a>,<b>: LowRank does not enlarge vocabularies")]
    [InlineData(Factory, "resume_from_checkpoint: out/checkpoint-10", "a checkpoint of another tool cannot be gone on with")]
    [InlineData(Axolotl, "load_in_8bit: true", "load_in_8bit: true: LowRank holds a base in 16 or in 4 bits")]
    [InlineData(Axolotl, "fsdp_config:\n  fsdp_version: 2", "fsdp_config: {fsdp_version: 2}: LowRank trains on one device")]
    [InlineData(Axolotl, "tensor_parallel_size: 2", "tensor_parallel_size: 2: LowRank trains on one device")]
    [InlineData(Axolotl, "rl: dpo", "rl: dpo: only runs that learn answers are imported; for preferences set --objective dpo")]
    [InlineData(Axolotl, "optimizer: muon", "optimizer: muon: LowRank trains with AdamW")]
    [InlineData(Axolotl, "lr_scheduler: one_cycle", "lr_scheduler: one_cycle")]
    [InlineData(Axolotl, "cosine_min_lr_ratio: 0.1", "cosine_min_lr_ratio: 0.1: LowRank's schedules fall to 0")]
    [InlineData(Axolotl, "chat_template: jinja", "chat_template: jinja: put the template")]
    [InlineData(Axolotl, "special_tokens:\n  eos_token: <|im_end|>", "special_tokens: eos_token: <|im_end|>")]
    [InlineData(Axolotl, "plugins: [my.Plugin]", "plugins: [my.Plugin]")]
    [InlineData(Axolotl, "peft_layers_to_transform: [0, 1]", "peft_layers_to_transform: [0, 1]: give the layers in a regular expression")]
    [InlineData(Axolotl, "peft_init_lora_weights: loftq", "peft_init_lora_weights: loftq: LowRank has true")]
    [InlineData(Trl, "load_in_8bit: true", "load_in_8bit: true")]
    [InlineData(Trl, "loss_type: dft", "loss_type: dft: LowRank learns with the plain loss")]
    [InlineData(Trl, "packing: true\npacking_strategy: wrapped", "packing_strategy: wrapped: cuts rows")]
    [InlineData(Trl, "chat_template_path: t.jinja", "chat_template_path: t.jinja")]
    [InlineData(Trl, "dataset_text_field: body", "dataset_text_field: body: LowRank reads the field text")]
    [InlineData(Trl, "packing: perhaps", "packing: perhaps: expected true or false")]
    [InlineData(Peft, ", \"rank_pattern\": {\"q_proj\": 4}}", "rank_pattern: {q_proj: 4}: LowRank has one rank")]
    [InlineData(Peft, ", \"eva_config\": {\"rho\": 2}}", "eva_config: {rho: 2}: give its rho yourself")]
    [InlineData(Peft, ", \"task_type\": \"SEQ_CLS\"}", "task_type: SEQ_CLS: LowRank trains language models")]
    public void What_would_change_the_result_is_refused_with_its_place(string file, string line, string message)
    {
        var (path, error) = Refusal(file + line + "\n");
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Matches($@"\n  {System.Text.RegularExpressions.Regex.Escape(path)}:\d+: ", error);
        // Left out knowingly, the rest goes through; what it was stands in the file.
        var key = error[(error.LastIndexOf("--ignore ", StringComparison.Ordinal) + "--ignore ".Length)..];
        var text = ImportedYaml.Write(ConfigImport.Read([path], new ImportOptions { Ignore = key.Split(',') }));
        Assert.Contains($"# Left out with --ignore:\n# - {key.Split(',')[0]}: ", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Factory, "report_to: wandb\nrun_name: first", "tracker: wandb", "run-name: first")]
    [InlineData(Trl, "report_to: [tensorboard, mlflow]", "tracker: tensorboard,mlflow")]
    [InlineData(Axolotl, "wandb_project: spring\nwandb_name: first", "tracker: wandb", "project: spring", "run-name: first")]
    [InlineData(Axolotl, "use_mlflow: true\nmlflow_tracking_uri: http://127.0.0.1:5000\nmlflow_experiment_name: spring\nuse_tensorboard: true", "tracker: mlflow,tensorboard", "mlflow-uri: http://127.0.0.1:5000", "project: spring")]
    [InlineData(Axolotl, "wandb_project: spring\nmlflow_tracking_uri: http://127.0.0.1:5000\nmlflow_experiment_name: autumn", "tracker: wandb,mlflow", "project: spring")]
    [InlineData(Axolotl, "wandb_project: spring\nuse_wandb: false", "tracker: ")]
    [InlineData(Axolotl, "wandb_project: spring\nwandb_mode: disabled", "tracker: ")]
    [InlineData(Trl, "report_to: none\nrun_name: first", "tracker: ", "run-name: ")]
    [InlineData(Axolotl, "lora_target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj]", "target-parameters: mlp.experts.gate_up_proj,mlp.experts.down_proj")]
    [InlineData(Trl, "lora_target_parameters: mlp.experts.down_proj", "target-parameters: mlp.experts.down_proj")]
    [InlineData(Peft, ", \"target_parameters\": [\"mlp.experts.down_proj\"]}", "target-parameters: mlp.experts.down_proj")]
    public void What_LowRank_has_too_carries_over(string file, string line, params string[] settings)
    {
        var run = ConfigImport.Read([folder.Write("x.yaml", file + line + "\n")], new ImportOptions { Data = "rows.jsonl" });
        foreach (var (key, value) in settings.Select(s => s.Split(": ", 2)).Select(p => (p[0], p[1]))) Assert.Equal(value, run.Lines.GetValueOrDefault(key)?.Value ?? "");
        Assert.Empty(run.Unknown);
    }

    [Theory]
    [InlineData("datasets:\n  - path: org/a\n  - path: org/b\n", "datasets: 2 data sets: LowRank reads one")]
    [InlineData("datasets:\n  - path: org/a\n    type: context_qa.load_v2\n", "type context_qa.load_v2: LowRank recognises")]
    [InlineData("datasets:\n  - path: org/a\n    type:\n      field_instruction: q\n", "type: a format of one's own")]
    [InlineData("datasets:\n  - path: org/a\n    type: chat_template\n    roles_to_train: [user]\n", "roles_to_train: [user]")]
    [InlineData("datasets:\n  - path: org/a\n    type: chat_template\n    field_messages: talk\n", "field_messages: talk")]
    public void Data_that_is_read_in_another_way_is_refused_and_may_be_named_anew(string datasets, string message)
    {
        var file = Axolotl[..Axolotl.IndexOf("datasets", StringComparison.Ordinal)] + datasets;
        var (path, error) = Refusal(file);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal("rows.jsonl", ConfigImport.Read([path], new ImportOptions { Data = "rows.jsonl" }).Bind().Data.Data);
    }

    [Fact]
    public void All_refusals_are_told_together()
    {
        var (_, error) = Refusal(Factory + "deepspeed: a.json\noptim: lion\nstage: ppo\n");
        Assert.StartsWith("3 settings cannot be carried over", error, StringComparison.Ordinal);
        Assert.EndsWith("--ignore optim,deepspeed,stage", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Factory), InlineData(Axolotl), InlineData(Trl)]
    public void Noise_and_smoothing_carry_over(string file)
    {
        var objective = Read(file + "neftune_noise_alpha: 5\nlabel_smoothing_factor: 0.1\n").Objective;
        Assert.Equal((5.0, 0.1, "sft"), (objective.NeftuneAlpha, objective.LabelSmoothing, objective.Objective));
        var none = Read(file + "neftune_noise_alpha: 0\nlabel_smoothing_factor: null\n").Objective;
        Assert.Equal((0.0, 0.0), (none.NeftuneAlpha, none.LabelSmoothing));
    }

    [Theory]
    [InlineData("sigmoid", "dpo", "sigmoid"), InlineData("hinge", "dpo", "hinge"), InlineData("ipo", "dpo", "ipo"), InlineData("orpo", "orpo", "sigmoid"), InlineData("simpo", "simpo", "sigmoid")]
    public void Preferences_of_LLaMA_Factory_carry_over(string loss, string objective, string form)
    {
        var read = Read(Factory + $"stage: dpo\npref_loss: {loss}\nsimpo_gamma: 0.7\n").Objective;
        // LLaMA-Factory's β is 0.1 with each of them.
        Assert.Equal((objective, form, 0.1, loss == "simpo" ? 0.7 : null), (read.Objective, read.DpoLoss, read.Beta!.Value, read.SimPoGamma));
        var weighed = Read(Factory + "stage: dpo\npref_beta: 0.3\npref_ftx: 0.5\ndpo_label_smoothing: 0.1\n").Objective;
        Assert.Equal(("dpo", 0.3, 0.5, 0.1), (weighed.Objective, weighed.Beta!.Value, weighed.AnswerWeight, weighed.LabelSmoothing));
    }

    [Fact]
    public void Judged_answers_carry_over()
    {
        var factory = Read(Factory + "stage: kto\npref_beta: 0.2\nkto_chosen_weight: 1.0\nkto_rejected_weight: 1.5\n").Objective;
        Assert.Equal(("kto", 0.2, 1.0, 1.5), (factory.Objective, factory.Beta!.Value, factory.DesirableWeight, factory.UndesirableWeight));
        var trl = Read(Trl + "desirable_weight: 1.33\nundesirable_weight: 1.0\n");
        Assert.Equal(("kto", 0.1, 1.33, 1.0), (trl.Objective.Objective, trl.Objective.Beta!.Value, trl.Objective.DesirableWeight, trl.Objective.UndesirableWeight));
        // KTOConfig's own: a small rate, and no dropout; nothing is said of tokens that are learned.
        Assert.Equal((1e-6, 0.0, "assistant"), (trl.Optimization.LearningRate!.Value, trl.Adapter.Dropout, trl.Data.TrainOn));
        Assert.Equal(0.05, Read(Trl + "loss_type: kto\ndisable_dropout: false\n").Adapter.Dropout);
        Assert.Equal("sft", Read(Trl).Objective.Objective);
    }

    [Fact]
    public void Several_data_sets_of_LLaMA_Factory_are_refused()
    {
        var (path, error) = Refusal(Factory.Replace("org/d", "identity,alpaca_en_demo", StringComparison.Ordinal));
        Assert.Contains("dataset: identity,alpaca_en_demo: LowRank reads one file", error, StringComparison.Ordinal);
        Assert.Equal("rows.jsonl", ConfigImport.Read([path], new ImportOptions { Data = "rows.jsonl" }).Bind().Data.Data);
    }

    [Fact]
    public void Names_of_data_sets_are_looked_up_in_the_tools_table()
    {
        Directory.CreateDirectory(folder.At("data"));
        folder.Write("data/dataset_info.json", """
            {
              "tickets": {"file_name": "tickets.json"},
              "chats": {"file_name": "chats.json", "formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}},
              "online": {"hf_hub_url": "org/d", "split": "test"},
              "renamed": {"file_name": "r.json", "columns": {"prompt": "frage"}},
              "pairs": {"file_name": "p.json", "ranking": true}
            }
            """);
        var local = Factory.Replace("dataset_dir: ONLINE\n", "", StringComparison.Ordinal);
        string Data(string name) => Read(local.Replace("org/d", name, StringComparison.Ordinal)).Data.Data;
        Assert.Equal(Path.Combine(folder.Path, "data", "tickets.json").Replace('\\', '/'), Data("tickets"));
        Assert.EndsWith("data/chats.json", Data("chats"), StringComparison.Ordinal);
        Assert.Equal("org/d:test", Data("online"));
        Assert.Contains("the field prompt is called frage", Refusal(local.Replace("org/d", "renamed", StringComparison.Ordinal)).Error, StringComparison.Ordinal);
        Assert.Contains("pairs holds preferences", Refusal(local.Replace("org/d", "pairs", StringComparison.Ordinal)).Error, StringComparison.Ordinal);
        Assert.Contains("absent is not in", Refusal(local.Replace("org/d", "absent", StringComparison.Ordinal)).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Factory, "learning-rate", "5e-5"), InlineData(Factory, "schedule", "linear"), InlineData(Factory, "warmup", "0"), InlineData(Factory, "alpha", "16"), InlineData(Factory, "rank", "8"), InlineData(Factory, "max-length", "2048")]
    [InlineData(Axolotl, "epochs", "1"), InlineData(Axolotl, "batch", "1"), InlineData(Axolotl, "max-length", "512"), InlineData(Axolotl, "output", "./model-out")]
    [InlineData(Trl, "learning-rate", "2e-5"), InlineData(Trl, "alpha", "32"), InlineData(Trl, "dropout", "0.05"), InlineData(Trl, "target", "qv"), InlineData(Trl, "dtype", "bf16"), InlineData(Trl, "train-on", "all")]
    [InlineData("model_name_or_path: m/m\ndataset_name: org/d\n", "method", "full")]
    public void Defaults_of_the_tool_that_are_not_LowRanks_are_written_out(string file, string setting, string value)
    {
        var line = ConfigImport.Read([folder.Write("x.yaml", file)], new ImportOptions()).Lines[setting];
        Assert.Equal(value, line.Value);
        Assert.Contains("'s default (", line.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void What_TRL_learns_of_a_file_is_seen_in_the_file()
    {
        var pairs = folder.Write("pairs.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n");
        var talks = folder.Write("talks.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}\n");
        Assert.Equal("assistant", Read(Trl.Replace("org/d", pairs, StringComparison.Ordinal)).Data.TrainOn);
        Assert.Equal("all", Read(Trl.Replace("org/d", talks, StringComparison.Ordinal)).Data.TrainOn);
    }

    [Fact]
    public void Unknown_keys_are_listed_with_their_place()
    {
        var run = ConfigImport.Read([folder.Write("x.yaml", Factory + "house_rule: 42\nother:\n  - a\n")], new ImportOptions());
        Assert.Equal([("house_rule", "42"), ("other", "[a]")], run.Unknown.Select(u => (u.Key, u.Shown)));
        Assert.EndsWith("x.yaml:7: house_rule", run.Unknown[0].Where, StringComparison.Ordinal);
        Assert.Contains("# Not known to LowRank. Look up what they do before you rely on the run:\n# - house_rule: 42\n# - other: [a]\n", ImportedYaml.Write(run), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("per_device_train_batch_size: 4\nlearning_rate: 1e-4\n", "TRL")]
    [InlineData("base_model: a/b\nlearning_rate: 1e-4\nadapter: lora\nlora_target_linear: true\n", "axolotl")]
    [InlineData("model_name_or_path: a/b\nlora_rank: 4\nlearning_rate: 1e-4\nper_device_train_batch_size: 1\n", "LLaMA-Factory")]
    [InlineData("model_name_or_path: a/b\nassistant_only_loss: true\nper_device_train_batch_size: 1\n", "TRL")]
    [InlineData(Peft + "}", "PEFT")]
    public void A_tool_is_recognised_by_its_keys(string file, string tool) => Assert.Equal(tool, ConfigImport.Read([folder.Write("x.yaml", file)], new ImportOptions()).Sources.Single().Tool);

    [Theory]
    [InlineData("rank: 8\nalpha: 16\n", "has LowRank's own keys")]
    [InlineData("colour: red\n", "is not recognised")]
    [InlineData("stage: sft\nbase_model: a\n", "may be of LLaMA-Factory or of axolotl")]
    [InlineData("- a\n", "expected one mapping")]
    [InlineData("a: [1\n", "neither YAML nor JSON")]
    public void What_is_no_such_file_is_said(string file, string message) => Assert.Contains(message, Refusal(file).Error, StringComparison.Ordinal);

    [Fact]
    public void A_value_that_LowRank_does_not_take_is_told_with_the_place_in_the_other_file()
    {
        var error = Assert.Throws<SettingsException>(() => Read(Factory + "lora_dropout: 1.5\n"));
        Assert.Contains("x.yaml:7: lora_dropout: \"1.5\" is not a number from 0 to 0.99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_not_there_cannot_be_ignored() =>
        Assert.Contains("has no such key; did you mean template", Assert.ThrowsAny<LowRankException>(() => ConfigImport.Read([folder.Write("x.yaml", Factory)], new ImportOptions { Ignore = ["tempalte"] })).Message, StringComparison.Ordinal);

    private TrainSettings Read(string file) => ConfigImport.Read([folder.Write("x.yaml", file)], new ImportOptions()).Bind();

    private (string Path, string Error) Refusal(string file)
    {
        var path = folder.Write("x.yaml", file);
        return (path, Assert.ThrowsAny<LowRankException>(() => ConfigImport.Read([path], new ImportOptions())).Message);
    }
}
