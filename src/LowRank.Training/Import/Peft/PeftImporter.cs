namespace LowRank.Training.Import.Peft;

/// <summary>
/// PEFT's <c>adapter_config.json</c> (version 0.21): the adapter alone. What it says nothing of, such as the learning rate, stays LowRank's, or comes from a file of TRL that is named
/// beside it.
/// </summary>
internal sealed class PeftImporter : ConfigImporter
{
    private const string NotBuilt = "is not built";

    /// <inheritdoc/>
    public override SourceTool Tool => SourceTool.Peft;

    /// <inheritdoc/>
    public override string Name => "PEFT";

    /// <inheritdoc/>
    public override string Option => "peft";

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Marks { get; } = ["peft_type", "lora_alpha", "init_lora_weights", "base_model_name_or_path", "target_r", "feedforward_modules"];

    /// <inheritdoc/>
    protected override KeyTable Others { get; } = new KeyTable()
        .WithoutEffect("LowRank writes it itself", "peft_version", "auto_mapping", "inference_mode", "runtime_config", "megatron_core", "qalora_group_size", "init_ia3_weights")
        .WithoutEffect("the model's own files say it", "fan_in_fan_out")
        .RefuseUnless("task_type", "LowRank trains language models", "CAUSAL_LM")
        .Refuse("LowRank has one rank and one alpha for all modules of a new adapter. To go on with this one, with its own ranks: --adapter FOLDER", "rank_pattern", "alpha_pattern")
        .Refuse("give modules and layers in a regular expression: --target \".*layers\\.(0|1)\\..*(q_proj|v_proj)\"", "layers_to_transform", "layers_pattern", "exclude_modules")
        .Refuse("has no setting for a new adapter. To go on with this one: --adapter FOLDER", "ensure_weight_tying")
        .Refuse("give its rho yourself: --init eva --eva-rho 2", "eva_config")
        .Refuse(NotBuilt, "layer_replication", "corda_config", "loftq_config", "lora_ga_config", "alora_invocation_tokens", "arrow_config", "kasa_config", "megatron_config", "monteclora_config", "use_bdlora", "use_qalora", "velora_config")
        .RefuseUnless("orth_reg_weight", "LowRank's AdaLoRA has 0.5", "0.5")
        .RefuseUnless("deltaT", "LowRank shares out ranks after every step", "1")
        .RefuseUnless("beta1", "LowRank's AdaLoRA has 0.85", "0.85")
        .RefuseUnless("beta2", "LowRank's AdaLoRA has 0.85", "0.85");

    /// <inheritdoc/>
    protected override void Read(SourceReader reader)
    {
        var model = reader.Text("base_model_name_or_path");
        if (model is not null && !reader.Run.Lines.ContainsKey("model")) reader.Set("model", model, "base_model_name_or_path");
        if (reader.Text("revision") is { } revision && !reader.Run.Lines.ContainsKey("revision")) reader.Set("revision", revision, "revision");
        var type = reader.Text("peft_type") ?? "LORA";
        switch (type)
        {
            case "LORA":
                ReadLora(reader);
                break;
            case "ADALORA":
                ReadAdaLora(reader);
                break;
            case "MISS":
                reader.Set("variant", "miss", "peft_type");
                reader.Copy("r", "rank", "64");
                reader.Copy("miss_dropout", "dropout", "0");
                if (reader.Document.Take("init_weights") is { } start && start.Flag != true)
                {
                    if (start.Text == "bat") reader.Set("init", "bat", "init_weights");
                    else reader.Refuse("init_weights", $"{start.Shown}: LowRank's new MiSS adapters start from zero (true, \"bat\").");
                }
                if (reader.Number("mini_r") is not (null or 1) and var mini) reader.Refuse("mini_r", $"{mini}: belongs to init_weights \"mini\".");
                break;
            case "IA3":
                reader.Set("variant", "ia3", "peft_type");
                if (reader.Document.Take("feedforward_modules") is { } forward) reader.Run.Note($"feedforward_modules {forward.Shown}: LowRank takes those that PEFT takes for the model's family.");
                break;
            default:
                reader.Refuse("peft_type", $"{type}: LowRank has LORA (with use_dora), ADALORA, MISS and IA3.");
                break;
        }
        ReadTargets(reader);
        reader.CopyNames("target_parameters", "target-parameters");
        reader.CopyNames("modules_to_save", "modules-to-save");
        if (reader.Text("bias") is { } bias && bias != "none") reader.Set("bias", bias, "bias");
        if (!reader.Run.Lines.ContainsKey("learning-rate")) reader.Run.Note("adapter_config.json says nothing of the training: learning rate, batch and steps are LowRank's (--learning-rate 2e-4, --batch 8, --epochs 3). Name the SFTConfig of TRL beside it to take its numbers.");
    }

    private static void ReadLora(SourceReader reader)
    {
        if (reader.Flag("use_dora") == true) reader.Set("variant", "dora", "use_dora");
        reader.Copy("r", "rank", "8");
        reader.Copy("lora_alpha", "alpha", "8");
        reader.Copy("lora_dropout", "dropout", "0");
        reader.CopyFlag("use_rslora", "rslora");
        reader.CopyFlag("lora_bias", "lora-bias");
        Starts.Read(reader, "init_lora_weights");
        if (reader.Document.Take("trainable_token_indices") is { } tokens)
        {
            if (tokens.Texts is { } numbers) reader.Set("train-tokens", string.Join(',', numbers), "trainable_token_indices");
            else reader.Refuse("trainable_token_indices", $"{tokens.Shown}: LowRank takes one list of tokens for the model's embedding.");
        }
    }

    private static void ReadAdaLora(SourceReader reader)
    {
        reader.Set("variant", "adalora", "peft_type");
        reader.Copy("target_r", "rank", "8");
        reader.Copy("init_r", "initial-rank", "12");
        reader.Copy("lora_alpha", "alpha", "8");
        reader.Copy("lora_dropout", "dropout", "0");
        reader.Skip("AdaLoRA's rank is target_r", "r");
        reader.Skip(SourceReader.AsHere, "init_lora_weights");
        reader.Skip("LowRank shares out ranks from a tenth of the steps on, until three tenths are left", "tinit", "tfinal", "total_step");
    }

    private static void ReadTargets(SourceReader reader)
    {
        if (reader.Document.Take("target_modules") is not { } target) reader.Default("target", "qv", "target_modules: its own for each family, query and value in most");
        else if (target.Items is not null && target.Texts is { Count: > 0 } names) reader.Set("target", string.Join(',', names.Order(StringComparer.Ordinal)), "target_modules");
        // A text is an expression for the whole name, or all-linear. Without a sign of an expression LowRank would read names.
        else if (target.Text is { } text) reader.Set("target", text.Equals("all-linear", StringComparison.OrdinalIgnoreCase) ? "all-linear" : text.AsSpan().IndexOfAny(@"\*+?()[]{}|^$") >= 0 ? text : $"({text})", "target_modules");
        else reader.Refuse("target_modules", $"{target.Shown}: expected names, an expression or all-linear.");
    }
}
