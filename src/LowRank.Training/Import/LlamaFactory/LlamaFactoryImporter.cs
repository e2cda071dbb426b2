namespace LowRank.Training.Import.LlamaFactory;

/// <summary>
/// LLaMA-Factory's settings for <c>llamafactory-cli train</c> (<c>hparams/*.py</c> of version 0.9.6.dev0). Its defaults that matter: rank 8, alpha twice the
/// rank, learning rate 5e-5 with a linear course and no warm-up, 2048 tokens.
/// </summary>
internal sealed class LlamaFactoryImporter : ConfigImporter
{
    private const string OtherOptimizer = "LowRank trains with AdamW";
    private const string OtherLoss = "LowRank learns with the plain loss per supervised token";
    private const string NewTokens = "LowRank does not enlarge vocabularies. Add the tokens to the model's folder first, then --train-tokens or --modules-to-save embed_tokens,lm_head learns them";

    /// <inheritdoc/>
    public override SourceTool Tool => SourceTool.LlamaFactory;

    /// <inheritdoc/>
    public override string Name => "LLaMA-Factory";

    /// <inheritdoc/>
    public override string Option => "llama-factory";

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Marks { get; } =
        ["finetuning_type", "stage", "template", "cutoff_len", "lora_rank", "lora_target", "dataset", "dataset_dir", "eval_dataset", "val_size", "quantization_bit", "quantization_method", "neat_packing", "pissa_init", "additional_target", "preprocessing_num_workers", "plot_loss"];

    /// <inheritdoc/>
    protected override KeyTable Others { get; } = new KeyTable()
        .WithoutEffect("how data is prepared; LowRank tokenizes when the run begins", "preprocessing_num_workers", "preprocessing_batch_size", "overwrite_cache", "tokenized_path", "data_shared_file_system", "media_dir", "buffer_size", "streaming", "ignore_pad_token_for_loss", "cache_dir", "eval_on_each_dataset")
        .WithoutEffect("how a run is shown and logged; LowRank writes every step to metrics.jsonl", "plot_loss", "include_effective_tokens_per_second", "print_param_status", "compute_accuracy", "use_swanlab", "swanlab_project", "swanlab_workspace", "swanlab_run_name", "swanlab_mode", "swanlab_api_key", "swanlab_logdir", "swanlab_lark_webhook_url", "swanlab_lark_secret")
        .WithoutEffect("speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)", "flash_attn", "use_unsloth", "use_unsloth_gc", "enable_liger_kernel", "use_v1_kernels", "disable_gradient_checkpointing", "use_reentrant_gc", "upcast_layernorm", "upcast_lmhead_output", "low_cpu_mem_usage", "use_fast_tokenizer", "quantization_device_map", "offload_folder", "use_kt")
        .WithoutEffect("settings of generation and export, not of training", "infer_backend", "infer_dtype", "use_kv_cache", "do_sample", "temperature", "top_p", "top_k", "num_beams", "max_new_tokens", "max_length", "repetition_penalty", "length_penalty", "skip_special_tokens", "export_dir", "export_size", "export_device", "export_quantization_bit", "export_legacy_format", "export_hub_model_id", "eval_num_beams")
        .WithoutEffect("tokens for the hub: LowRank reads HF_TOKEN", "hf_hub_token", "ms_hub_token", "om_hub_token")
        .WithoutEffect("settings of images, video and sound, which LowRank does not read", "image_max_pixels", "image_min_pixels", "video_max_pixels", "video_min_pixels", "video_fps", "video_maxlen", "freeze_vision_tower", "freeze_multi_modal_projector", "freeze_language_model")
        .WithoutEffect("settings of a run on several devices", "ray_num_workers", "ray_run_name", "ray_init_kwargs", "master_addr", "master_port", "ray_storage_path", "resources_per_worker", "placement_strategy")
        .WithoutEffect("LowRank saves a start from the weights as a plain LoRA for the unchanged base, always", "pissa_convert")
        .RefuseUnless("stage", "runs that learn answers (sft), preferences (dpo) or judged answers (kto) are imported; rewards and reinforcement are not built", "sft")
        .WithoutEffect("of preferences; here answers are learned", "pref_beta", "pref_loss", "pref_ftx", "pref_bco_weight", "dpo_label_smoothing", "kto_chosen_weight", "kto_rejected_weight", "simpo_gamma", "ref_model_quantization_bit")
        .Refuse("the reference is the base without its adapter", "ref_model", "ref_model_adapters")
        .RefuseUnless("mix_strategy", "LowRank reads one file: mix the rows yourself", "concat")
        .RefuseUnless("loraplus_lr_embedding", "LowRank's rate for a LoRA on embeddings is 1e-6", "1e-6")
        .Refuse("adds to a merged adapter. Merge first (lowrank merge), then train on the result", "create_new_adapter")
        .Refuse("is not built", "shift_attn", "mixture_of_depths", "rope_scaling", "use_llama_pro", "train_from_scratch", "use_mca", "use_megatron_bridge", "use_hyper_parallel", "fp8", "adapter_folder")
        .Refuse(NewTokens, "resize_vocab", "add_tokens", "add_special_tokens", "new_special_tokens_config")
        .Refuse("LowRank splits special tokens of a text as the model's tokenizer says", "split_special_tokens")
        .Refuse("write the system message into the rows", "default_system")
        .Refuse(OtherOptimizer, "use_galore", "use_apollo", "use_badam", "use_adam_mini", "use_muon")
        .Refuse(OtherLoss, "use_dft_loss", "use_asft_loss", "use_eaft_loss", "moe_aux_loss_coef")
        .Refuse("LowRank mixes no data sets by probabilities", "interleave_probs")
        .With(TrainingArguments.Others);

    /// <inheritdoc/>
    protected override void Read(SourceReader reader)
    {
        reader.Copy("model_name_or_path", "model");
        if (reader.Text("model_revision") is { } revision && revision != "main") reader.Set("revision", revision, "model_revision");
        ReadMethod(reader);
        Precision.Read(reader, standard: null, off: null);
        if (reader.Flag("pure_bf16") == true) reader.Set("dtype", "bf16", "pure_bf16", "pure_bf16; what is trained stays fp32");
        var compares = LlamaFactoryObjective.Read(reader);
        ReadData(reader, compares);
        TrainingArguments.Read(reader, learningRate: "5e-5");
        if (reader.Flag("disable_shuffling") == true) reader.Set("shuffle", "false", "disable_shuffling");
        reader.Copy("early_stopping_steps", "patience");
    }

    private static void ReadMethod(SourceReader reader)
    {
        var type = reader.Text("finetuning_type") ?? "lora";
        if (type == "full")
        {
            reader.Set("method", "full", "finetuning_type");
            reader.Skip("of adapters; here all weights are trained", "lora_rank", "lora_alpha", "lora_target", "lora_dropout", "use_dora", "use_rslora", "additional_target", "loraplus_lr_ratio", "pissa_init", "pissa_iter");
            return;
        }
        if (type != "lora") reader.Refuse("finetuning_type", $"{type}: LowRank has lora and full.");
        ReadQuantization(reader);
        if (reader.Flag("use_dora") == true) reader.Set("variant", "dora", "use_dora");
        if (reader.Text("adapter_name_or_path") is { } adapter)
        {
            if (adapter.Contains(',', StringComparison.Ordinal)) reader.Refuse("adapter_name_or_path", $"{adapter}: LLaMA-Factory merges all but the last. Do so first (lowrank merge), then name the last one.");
            else reader.Set("adapter", adapter, "adapter_name_or_path");
        }
        var rank = reader.Number("lora_rank");
        if (rank is { } given) reader.Set("rank", SourceReader.Format(given), "lora_rank");
        else reader.Default("rank", "8", "lora_rank");
        if (reader.Document.Has("lora_alpha")) reader.Copy("lora_alpha", "alpha");
        else reader.Default("alpha", SourceReader.Format(2 * (rank ?? 8)), "lora_alpha: twice lora_rank");
        var target = reader.Document.Take("lora_target");
        if (target?.Texts is { Count: > 0 } names && names is not ["all"]) reader.Set("target", string.Join(',', names), "lora_target");
        else if (target is not null) reader.Set("target", "all-linear", "lora_target", "lora_target: all");
        reader.Copy("lora_dropout", "dropout", "0");
        reader.CopyFlag("use_rslora", "rslora");
        reader.CopyNames("additional_target", "modules-to-save");
        reader.Copy("loraplus_lr_ratio", "plus");
        var iterations = reader.Number("pissa_iter") ?? 16;
        if (reader.Flag("pissa_init") == true) reader.Set("init", iterations < 0 ? "pissa" : $"pissa_niter_{SourceReader.Format(iterations)}", "pissa_init", "pissa_init, pissa_iter");
    }

    private static void ReadQuantization(SourceReader reader)
    {
        var bits = reader.Number("quantization_bit");
        var (method, type, twice) = (reader.Text("quantization_method") ?? "bnb", reader.Text("quantization_type"), reader.Flag("double_quantization"));
        if (bits is null)
        {
            reader.Set("method", "lora", "finetuning_type");
            return;
        }
        if (bits != 4) reader.Refuse("quantization_bit", $"{SourceReader.Format(bits.Value)}: LowRank holds a base in 16 or in 4 bits. Take 4, or leave it out for 16.");
        if (method is not ("bnb" or "bitsandbytes")) reader.Refuse("quantization_method", $"{method}: LowRank's 4 bits are those of bitsandbytes (bnb).");
        reader.Set("method", "qlora", "quantization_bit", "finetuning_type: lora with quantization_bit: 4");
        if (type is not null) reader.Set("quant-type", type, "quantization_type");
        if (twice is { } isDouble) reader.Set("double-quant", isDouble ? "true" : "false", "double_quantization");
    }

    private static void ReadData(SourceReader reader, bool compares)
    {
        LlamaFactoryData.Read(reader, compares);
        reader.Copy("cutoff_len", "max-length", "2048");
        reader.Copy("max_samples", "max-samples");
        if (reader.Number("val_size") is > 0 and var held) reader.Set("validation", SourceReader.Format(held), "val_size");
        var (prompt, last) = (reader.Flag("train_on_prompt", false), reader.Flag("mask_history", false));
        if (prompt) reader.Set("train-on", "all", "train_on_prompt");
        else if (last) reader.Set("train-on", "last", "mask_history");
        var (packing, neat) = (reader.Flag("packing", false), reader.Flag("neat_packing", false));
        if (packing || neat) reader.Set("packing", "true", neat ? "neat_packing" : "packing");
        if (packing && !neat) reader.Run.Note("packing without neat_packing lets the rows of a sequence see each other. In LowRank they never do; losses are those of neat_packing.");
        var template = reader.Text("template");
        var (thinking, keeps) = (reader.Flag("enable_thinking"), reader.Flag("preserve_thinking"));
        reader.Skip("the model's chat template says how tools are written", "tool_format");
        reader.Run.Note($"template {template ?? "(none given)"}: LLaMA-Factory has templates of its own. LowRank takes the chat template of the model's folder; see what it makes of a row, and what is learned, with: lowrank inspect DATA --model MODEL.{(thinking is null && keeps is null ? "" : " So enable_thinking and preserve_thinking have no counterpart.")}");
        reader.Run.Note("Rows beyond cutoff_len: LLaMA-Factory shortens prompt and answer in proportion, LowRank keeps the first tokens and tells how many rows were cut.");
    }
}
