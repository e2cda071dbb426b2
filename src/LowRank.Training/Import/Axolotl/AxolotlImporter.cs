using System.Globalization;

namespace LowRank.Training.Import.Axolotl;

/// <summary>
/// axolotl's settings for <c>axolotl train</c> (<c>utils/schemas</c> of version 0.18). Its defaults that matter: one epoch, 512 tokens, batches of one row, a
/// cosine with 3 % of the steps to warm up, and rows that are too long are dropped.
/// </summary>
internal sealed class AxolotlImporter : ConfigImporter
{
    private const string ManyDevices = "LowRank trains on one device. A run on N devices had a batch of N times micro_batch_size: take gradient_accumulation_steps N times as large, and leave this out";
    private static readonly string[] PluginsForSpeed = ["axolotl.integrations.liger.LigerPlugin", "axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin", "axolotl.integrations.kernels.KernelsPlugin"];

    /// <inheritdoc/>
    public override SourceTool Tool => SourceTool.Axolotl;

    /// <inheritdoc/>
    public override string Name => "axolotl";

    /// <inheritdoc/>
    public override string Option => "axolotl";

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Marks { get; } =
        ["base_model", "adapter", "sequence_len", "sample_packing", "micro_batch_size", "num_epochs", "lora_target_linear", "val_set_size", "dataset_prepared_path", "lora_model_dir", "lr_scheduler", "optimizer", "evals_per_epoch", "saves_per_epoch", "train_on_inputs"];

    /// <inheritdoc/>
    protected override KeyTable Others { get; } = new KeyTable()
        .WithoutEffect("how a run is shown and logged; LowRank writes every step to metrics.jsonl",
            "wandb_project", "wandb_entity", "wandb_watch", "wandb_name", "wandb_run_id", "wandb_log_model", "wandb_mode", "use_wandb", "use_mlflow", "mlflow_tracking_uri", "mlflow_experiment_name", "mlflow_run_name", "hf_mlflow_log_artifacts",
            "use_comet", "comet_api_key", "comet_workspace", "comet_project_name", "comet_experiment_key", "comet_mode", "comet_online", "comet_experiment_config", "use_trackio", "trackio_project_name", "trackio_run_name", "use_tensorboard",
            "use_swanlab", "swanlab_project", "swanlab_mode", "include_tkps", "profiler_steps", "profiler_steps_start", "use_otel_metrics", "otel_metrics_host", "otel_metrics_port", "generate_samples", "num_generation_samples", "generation_max_new_tokens")
        .WithoutEffect("how data is prepared; LowRank tokenizes when the run begins", "dataset_prepared_path", "dataset_processes", "dataset_keep_in_memory", "dataset_shard_num", "dataset_shard_idx", "num_dataset_shards_to_save", "push_dataset_to_hub", "hf_use_auth_token", "streaming", "streaming_multipack_buffer_size",
            "shuffle_merged_datasets", "shuffle_before_merging_datasets", "pad_to_sequence_len", "pad_to_multiple_of", "sample_packing_group_size", "sample_packing_bin_size", "sample_packing_mp_start_method", "sample_packing_eff_est", "eval_sample_packing", "eval_sequence_len", "multipack_real_batches", "batch_flattening", "is_preprocess")
        .WithoutEffect("speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)",
            "activation_offloading", "layer_offloading", "selective_checkpointing", "flash_attention", "sdp_attention", "xformers_attention", "flex_attention", "sage_attention", "eager_attention", "flash_attn_cross_entropy", "flash_attn_rms_norm",
            "flash_attn_fuse_qkv", "flash_attn_fuse_mlp", "lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel", "liger_rope", "liger_rms_norm", "liger_glu_activation", "liger_swiglu", "liger_layer_norm", "liger_cross_entropy", "liger_fused_linear_cross_entropy",
            "cut_cross_entropy", "chunked_cross_entropy", "chunked_cross_entropy_num_chunks", "tiled_mlp", "use_kernels", "gc_steps", "gc_collect_steps", "max_memory", "gpu_memory_limit", "low_cpu_mem_usage", "device_map", "device", "lora_on_cpu", "embeddings_skip_upcast", "experimental_skip_move_to_device", "peft_autocast_adapter_dtype")
        .WithoutEffect("the model's own files say it", "model_type", "type_of_model", "tokenizer_type", "tokenizer_use_fast", "tokenizer_legacy", "processor_type", "is_llama_derived_model", "is_mistral_derived_model", "is_falcon_derived_model", "is_qwen_derived_model", "lora_fan_in_fan_out", "tokenizer_save_jinja_files")
        .WithoutEffect("settings of a run on several devices", "ddp", "world_size", "fsdp_version", "fsdp_final_state_dict_type", "use_ray", "ray_num_workers", "ray_run_name", "resources_per_worker", "qlora_sharded_model_loading")
        .WithoutEffect("of what comes after training", "merge_lora", "merge_method", "do_bench_eval", "eval_table_size", "eval_max_new_tokens", "do_causal_lm_eval", "eval_causal_lm_metrics", "hub_revision")
        .WithoutEffect("LowRank looks for diverging losses itself (docs/guards.md)", "loss_watchdog_threshold", "loss_watchdog_patience")
        .WithoutEffect("how settings are checked", "strict", "auto_resume_from_checkpoints", "eval_batch_size", "save_first_step")
        .Refuse(ManyDevices, "dp_shard_size", "dp_replicate_size", "tensor_parallel_size", "context_parallel_size", "sequence_parallel_degree", "expert_parallel_size")
        .Refuse("only runs that learn answers are imported; for preferences set --objective dpo, orpo or simpo yourself (docs/preferences.md), and rewards and reinforcement are not built", "rl", "trl", "reward_model", "process_reward_model", "ebft", "qat", "vllm")
        .Refuse("LowRank's pretraining on running text cuts rows at max-length and does not go on with them in the next row; give the texts as --data", "pretraining_dataset", "pretraining_sample_concatenation")
        .Refuse("LowRank holds a base in 16 or in 4 bits: leave it out for 16, or take load_in_4bit", "load_in_8bit", "gptq", "model_quantization_config", "fp8")
        .Refuse("is not built", "relora", "lisa_n_layers", "unfrozen_parameters", "peft_layer_replication", "quantize_moe_experts", "use_pose", "resize_token_embeddings_to_32x", "shrink_embeddings", "reinit_weights", "rope_scaling", "s2_attention", "trainer_cls", "peft", "embedding_lr", "embedding_lr_scale", "lr_groups", "chat_template_kwargs", "overrides_of_model_config", "overrides_of_model_kwargs", "dataset_exact_deduplication", "min_sample_len", "use_eaft", "scaling_softmax")
        .Refuse("LowRank has one rank and one alpha for all modules", "lora_rank_pattern", "lora_alpha_pattern")
        .Refuse("give the layers in a regular expression: --target \".*layers\\.(0|1)\\..*(q_proj|v_proj)\"", "peft_layers_to_transform", "peft_layers_pattern")
        .Refuse("LowRank does not enlarge vocabularies. Add the tokens to the model's folder first, then --train-tokens learns them", "tokens", "added_tokens_overrides")
        .Refuse("put the template into the model folder's chat_template.jinja", "chat_template_jinja")
        .Refuse("write the system message into the rows", "default_system_message")
        .Refuse("LowRank's schedules fall to 0, as those of transformers do", "cosine_min_lr_ratio", "cosine_constant_lr_ratio", "lr_div_factor", "lr_quadratic_warmup", "jagged_restart_steps")
        .RefuseUnless("loraplus_lr_embedding", "LowRank's rate for a LoRA on embeddings is 1e-6", "1e-6")
        .With(TrainingArguments.Others);

    /// <inheritdoc/>
    protected override void Read(SourceReader reader)
    {
        reader.Copy("base_model", "model");
        reader.Copy("revision_of_model", "revision");
        foreach (var key in (string[])["base_model_config", "tokenizer_config"])
            if (reader.Text(key) is { } other && other != reader.Run.Lines.GetValueOrDefault("model")?.Value) reader.Refuse(key, $"{other}: LowRank takes configuration and tokenizer from the model's own folder.");
        AxolotlAdapter.Read(reader);
        AxolotlData.Read(reader);
        ReadTraining(reader);
        Precision.Read(reader, standard: null, off: null);
        reader.Skip("speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)", "bfloat16", "float16", "float32");
        ReadTexts(reader);
        if (reader.Document.Take("plugins") is { } plugins)
        {
            if (plugins.Texts is { } names && names.All(PluginsForSpeed.Contains)) reader.Run.HasNoEffect("plugins", "speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)");
            else reader.Refuse("plugins", $"{plugins.Shown}: LowRank does not know what they change.");
        }
    }

    private static void ReadTraining(SourceReader reader)
    {
        reader.Copy("micro_batch_size", "batch", "1");
        var (accumulate, all) = (reader.Number("gradient_accumulation_steps"), reader.Number("batch_size"));
        if (accumulate is { } steps) reader.Set("accumulate", SourceReader.Format(steps), "gradient_accumulation_steps");
        else if (all is { } rows && reader.Run.Lines.GetValueOrDefault("batch") is { } micro && double.TryParse(micro.Value, CultureInfo.InvariantCulture, out var each) && each >= 1)
            reader.Set("accumulate", SourceReader.Format(Math.Max(1, Math.Floor(rows / each))), "batch_size", "batch_size / micro_batch_size");
        reader.Copy("num_epochs", "epochs", "1");
        if (reader.Number("max_steps") is > 0 and var limit) reader.Set("max-steps", SourceReader.Format(limit), "max_steps");
        reader.Copy("learning_rate", "learning-rate");
        ScheduleNames.Read(reader, "lr_scheduler", "cosine");
        if (!ScheduleNames.ReadWarmup(reader, standard: null)) reader.Run.Set("warmup", "0.03", "axolotl's default (3 % of the steps, there at most 100)", reader.Document.Path);
        OptimizerNames.Read(reader, "optimizer");
        TrainingArguments.ReadLoss(reader);
        reader.Copy("seed", "seed");
        if (reader.Flag("group_by_length") == true) reader.Run.Note("group_by_length: puts rows of like length into one batch, which saves padding. LowRank takes them in a random order; --packing true saves the padding, too.");
        if (reader.Flag("curriculum_sampling") == true) reader.Set("shuffle", "false", "curriculum_sampling");
        if (reader.Flag("sample_packing_sequentially") == true) reader.Run.Note("sample_packing_sequentially: LowRank packs rows by length, so that sequences are fuller.");
        if (reader.Document.Has("output_dir")) reader.Copy("output_dir", "output");
        else reader.Default("output", "./model-out", "output_dir");
        TrackedBy.ReadAxolotl(reader);
        reader.Copy("early_stopping_patience", "patience");
        foreach (var (key, setting) in (ReadOnlySpan<(string, string)>)[("evals_per_epoch", "eval-every"), ("saves_per_epoch", "save-every")])
            if (reader.Number(key) is { } times)
            {
                if (times == 1) reader.Run.HasNoEffect(key, "LowRank evaluates and saves once an epoch, or by --eval-every and --save-every");
                else reader.Run.Note($"{key} {SourceReader.Format(times)}: --{setting} takes steps, and is once an epoch where it is left out.");
            }
        Intervals.Read(reader, stepsCount: true);
        foreach (var key in (string[])["fsdp", "fsdp_config"])
            if (reader.Document.Take(key) is { } sharding) reader.Refuse(key, $"{sharding.Shown}: {ManyDevices}");
    }

    private static void ReadTexts(SourceReader reader)
    {
        if (reader.Text("chat_template") is { } template and not "tokenizer_default")
        {
            if (template == "jinja") reader.Refuse("chat_template", "jinja: put the template into the model folder's chat_template.jinja.");
            else reader.Run.Note($"chat_template {template}: axolotl has templates of its own. LowRank takes the one of the model's folder; see what it makes of a row, and what is learned, with: lowrank inspect DATA --model MODEL.");
        }
        if (reader.Document.Take("eot_tokens") is { } ends) reader.Run.Note($"eot_tokens {ends.Shown}: LowRank learns what the model's chat template prints behind an answer; lowrank inspect DATA --model MODEL shows it.");
        foreach (var (name, value) in reader.Members("special_tokens"))
        {
            if (name is "pad_token" or "unk_token") reader.Run.HasNoEffect($"special_tokens.{name}", "padding is masked, and never learned");
            else if (!value.IsNothing) reader.Refuse("special_tokens", $"{name}: {value.Shown}: LowRank takes special tokens from the model's folder. If that names the same, leave it out; else change its tokenizer_config.json.");
        }
    }
}
