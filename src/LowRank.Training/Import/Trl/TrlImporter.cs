namespace LowRank.Training.Import.Trl;

/// <summary>
/// The settings of <c>trl sft</c> and <c>trl kto</c> (<c>SFTConfig</c>, <c>KTOConfig</c>, <c>ModelConfig</c> and <c>ScriptArguments</c> of version 1.10), or transformers' <c>TrainingArguments</c> as
/// YAML or JSON. Its defaults that matter: learning rate 2e-5 with a linear course and no warm-up, 1024 tokens, all weights trained unless <c>use_peft</c>, and with that rank 16,
/// alpha 32, dropout 0.05 on PEFT's own targets.
/// </summary>
internal sealed class TrlImporter : ConfigImporter
{
    /// <inheritdoc/>
    public override SourceTool Tool => SourceTool.Trl;

    /// <inheritdoc/>
    public override string Name => "TRL";

    /// <inheritdoc/>
    public override string Option => "trl";

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Marks { get; } =
        ["use_peft", "lora_task_type", "dataset_name", "dataset_config", "dataset_train_split", "dataset_test_split", "dataset_text_field", "assistant_only_loss", "completion_only_loss", "packing_strategy", "padding_free", "eos_token", "use_bnb_nested_quant", "bnb_4bit_quant_type", "chat_template_path", "model_init_kwargs", "truncation_mode", "shuffle_dataset", "desirable_weight", "undesirable_weight"];

    /// <inheritdoc/>
    protected override KeyTable Others { get; } = new KeyTable()
        .WithoutEffect("how data is prepared; LowRank tokenizes when the run begins", "dataset_kwargs", "dataset_streaming", "streaming", "pad_to_multiple_of", "padding_free", "eval_packing", "pad_token", "shuffle_dataset", "ignore_bias_buffers", "test_split_size")
        .WithoutEffect("speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)", "bnb_4bit_quant_storage", "dtype", "torch_dtype", "model_accepts_loss_kwargs")
        .WithoutEffect("of mixtures of experts: LowRank adds no loss that spreads tokens over experts", "router_aux_loss_coef")
        .WithoutEffect("the environment of the program", "env")
        .RefuseUnless("lora_task_type", "LowRank trains language models", "CAUSAL_LM")
        .RefuseUnless("loss_type", "LowRank learns with the plain loss per supervised token", "nll", "chunked_nll")
        .RefuseUnless("truncation_mode", "LowRank keeps the first tokens of a row that is too long", "keep_start")
        .RefuseUnless("dataset_text_field", "LowRank reads the field text; rename yours", "text")
        .Refuse("put the template into the model folder's chat_template.jinja", "chat_template_path")
        .Refuse("LowRank holds a base in 16 or in 4 bits: leave it out for 16, or take load_in_4bit", "load_in_8bit")
        .With(TrainingArguments.Others);

    /// <inheritdoc/>
    protected override void Read(SourceReader reader)
    {
        reader.Copy("model_name_or_path", "model");
        if (reader.Text("model_revision") is { } revision && revision != "main") reader.Set("revision", revision, "model_revision");
        ReadModelKwargs(reader);
        // Before the adapter: it decides on dropout.
        var isKto = TrlObjective.Read(reader);
        ReadMethod(reader, isKto);
        Precision.Read(reader, standard: "bf16", off: "fp32");
        ReadLength(reader);
        TrlData.Read(reader, isKto);
        TrainingArguments.Read(reader, learningRate: isKto ? "1e-6" : "2e-5");
        if (reader.Text("eos_token") is { } end) reader.Run.Note($"eos_token {end}: LowRank learns what the model's chat template prints behind an answer; lowrank inspect DATA --model MODEL shows it.");
    }

    private static void ReadModelKwargs(SourceReader reader)
    {
        foreach (var (name, value) in reader.Members("model_init_kwargs"))
        {
            if (name is "dtype" or "torch_dtype" or "attn_implementation" or "trust_remote_code" or "use_cache" or "device_map" or "low_cpu_mem_usage") reader.Run.HasNoEffect($"model_init_kwargs.{name}", "speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)");
            else if (name == "revision" && value.Text is { } revision) reader.Set("revision", revision, "model_init_kwargs", "model_init_kwargs.revision");
            else if (!value.IsNothing) reader.Refuse("model_init_kwargs", $"{name}: {value.Shown}: LowRank does not know what it changes.");
        }
    }

    private static void ReadMethod(SourceReader reader, bool isKto)
    {
        string[] ofAdapters = ["lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_parameters", "lora_modules_to_save", "use_dora", "use_rslora"];
        var isFourBit = reader.Flag("load_in_4bit", false);
        var usesPeft = reader.Flag("use_peft");
        if (isFourBit)
        {
            reader.Copy("bnb_4bit_quant_type", "quant-type", "nf4");
            reader.CopyFlag("use_bnb_nested_quant", "double-quant");
        }
        else reader.Skip("of a base in 4 bits", "bnb_4bit_quant_type", "use_bnb_nested_quant");
        if (reader.HasAdapterFile || usesPeft == true)
        {
            var origin = (reader.HasAdapterFile ? "adapter_config.json" : "use_peft") + (isFourBit ? ", load_in_4bit" : "");
            reader.Set("method", isFourBit ? "qlora" : "lora", "use_peft", origin);
        }
        else
        {
            reader.Set("method", "full", "use_peft", usesPeft is null ? "TRL's default (use_peft: false, so all weights are trained)" : "use_peft: false");
            if (usesPeft is null) reader.Run.Note("The file names no adapter, so all weights would be trained. If your script gives the trainer a LoraConfig, name its adapter_config.json too: lowrank import-config THIS adapter_config.json; or take --method lora.");
        }
        if (usesPeft != true || reader.HasAdapterFile)
        {
            reader.Skip(reader.HasAdapterFile ? "adapter_config.json says it" : "of adapters; use_peft is not set", ofAdapters);
            return;
        }
        reader.Copy("lora_r", "rank", "16");
        reader.Copy("lora_alpha", "alpha", "32");
        if (!isKto || !reader.Run.Lines.ContainsKey("dropout")) reader.Copy("lora_dropout", "dropout", "0.05");
        if (reader.Flag("use_dora") == true) reader.Set("variant", "dora", "use_dora");
        reader.CopyFlag("use_rslora", "rslora");
        if (reader.Document.Has("lora_target_modules")) reader.CopyNames("lora_target_modules", "target");
        else reader.Default("target", "qv", "lora_target_modules: PEFT's own targets, query and value in most families");
        reader.CopyNames("lora_target_parameters", "target-parameters");
        reader.CopyNames("lora_modules_to_save", "modules-to-save");
    }

    // A run without a limit is one with a limit that no model reaches: LowRank takes the smaller of it and the model's positions.
    private static void ReadLength(SourceReader reader)
    {
        var key = reader.Document.Keys.Contains("max_seq_length") ? "max_seq_length" : "max_length";
        if (reader.Document.Keys.Contains(key) && !reader.Document.Has(key))
        {
            reader.Document.Take(key);
            reader.Set("max-length", "1000000", key, $"{key}: null, so nothing is cut before the model's own limit");
        }
        else reader.Copy(key, "max-length", "1024");
        var packing = reader.Flag("packing", false);
        if (packing) reader.Set("packing", "true", "packing");
        var strategy = reader.Text("packing_strategy");
        if (packing && strategy is "bfd_split" or "bfd-requeue" or "wrapped") reader.Refuse("packing_strategy", $"{strategy}: cuts rows and goes on with them in another sequence. LowRank packs whole rows, as bfd does.");
        else if (strategy is not null) reader.Run.HasNoEffect("packing_strategy", packing ? "LowRank packs whole rows and lets none see another" : "nothing is packed");
    }
}
