namespace LowRank.Training.Import;

/// <summary>
/// The keys that LLaMA-Factory and TRL have from transformers' <c>TrainingArguments</c> (version 5), with its defaults:
/// batches, steps, optimizer, schedule, evaluation, checkpoints.
/// </summary>
internal static class TrainingArguments
{
    private const string OneDevice = "LowRank trains on one device. A run on N devices had a batch of N times per_device_train_batch_size: take gradient_accumulation_steps N times as large, and leave this out";

    /// <summary>Keys that a file of nothing but these has.</summary>
    public static IReadOnlyList<string> Typical { get; } = ["per_device_train_batch_size", "gradient_accumulation_steps", "learning_rate", "num_train_epochs", "lr_scheduler_type", "output_dir"];

    /// <summary>What becomes of the keys that <see cref="Read"/> does not read.</summary>
    public static KeyTable Others { get; } = new KeyTable()
        .WithoutEffect("how a run is shown and logged; LowRank writes every step to metrics.jsonl",
            "logging_steps", "logging_strategy", "logging_first_step", "logging_dir", "logging_nan_inf_filter", "log_level", "log_level_replica", "log_on_each_node", "disable_tqdm",
            "report_to", "run_name", "project", "trackio_space_id", "include_num_input_tokens_seen", "include_for_metrics", "skip_memory_metrics", "include_tokens_per_second")
        .WithoutEffect("uploads, which LowRank does not do", "push_to_hub", "hub_model_id", "hub_strategy", "hub_token", "hub_private_repo", "hub_always_push", "hub_revision")
        .WithoutEffect("how data is loaded", "dataloader_num_workers", "dataloader_pin_memory", "dataloader_persistent_workers", "dataloader_prefetch_factor", "remove_unused_columns", "label_names", "length_column_name", "dataset_num_proc")
        .WithoutEffect("speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)",
            "gradient_checkpointing", "gradient_checkpointing_kwargs", "torch_compile", "torch_compile_backend", "torch_compile_mode", "use_liger_kernel", "liger_kernel_config", "use_cache",
            "torch_empty_cache_steps", "tf32", "bf16_full_eval", "fp16_full_eval", "attn_implementation", "optim_target_modules", "jit_mode_eval", "activation_offloading", "full_determinism")
        .WithoutEffect("settings of a run on several devices", "ddp_timeout", "ddp_find_unused_parameters", "ddp_bucket_cap_mb", "ddp_broadcast_buffers", "ddp_backend", "local_rank", "average_tokens_across_devices", "accelerator_config", "fsdp_config", "save_on_each_node", "fsdp_transformer_layer_cls_to_wrap")
        .WithoutEffect("how evaluation is done; it changes nothing in what is learned", "per_device_eval_batch_size", "eval_accumulation_steps", "eval_delay", "eval_on_start", "eval_do_concat_batches", "eval_use_gather_object", "batch_eval_metrics", "prediction_loss_only", "do_eval", "do_predict", "predict_with_generate", "generation_max_length", "generation_num_beams", "generation_config", "metric_for_best_model", "greater_is_better")
        .WithoutEffect("what the program does; train trains", "do_train", "overwrite_output_dir", "debug", "use_cpu", "_n_gpu", "restore_callback_states_from_checkpoint", "ignore_data_skip", "save_safetensors", "save_only_model", "enable_jit_checkpoint")
        .WithoutEffect("LowRank runs no code from models or data", "trust_remote_code")
        .Refuse(OneDevice, "deepspeed", "fsdp", "parallelism_config")
        .Refuse("a checkpoint of another tool cannot be gone on with. Train its adapter further with --adapter, or begin anew", "resume_from_checkpoint")
        .RefuseUnless("train_sampling_strategy", "LowRank shuffles the rows, or keeps their order with --shuffle false", "random")
        .Refuse("drops the last rows of an epoch that do not fill a batch; LowRank learns them too", "dataloader_drop_last")
        .Refuse("makes another batch of what memory has; say per_device_train_batch_size (lowrank plan tells which fits)", "auto_find_batch_size")
        .Refuse("LowRank's AdamW takes no further settings", "optim_args")
        .RefuseUnless("data_seed", "LowRank has one seed for the order of rows and the adapter's start", "42");

    /// <summary>Reads what has a counterpart.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="learningRate">The tool's default learning rate.</param>
    public static void Read(SourceReader reader, string learningRate)
    {
        reader.Copy("per_device_train_batch_size", "batch", "8");
        reader.Copy("gradient_accumulation_steps", "accumulate", "1");
        reader.Copy("learning_rate", "learning-rate", learningRate);
        ReadLength(reader);
        ScheduleNames.Read(reader, "lr_scheduler_type", "linear");
        ScheduleNames.ReadWarmup(reader, "0");
        OptimizerNames.Read(reader, "optim");
        ReadLoss(reader);
        reader.Copy("seed", "seed");
        if (reader.Flag("group_by_length") == true) reader.Run.Note("group_by_length: puts rows of like length into one batch, which saves padding. LowRank takes them in a random order; --packing true saves the padding, too.");
        reader.Copy("output_dir", "output");
        TrackedBy.ReadReportTo(reader);
        Intervals.Read(reader);
    }

    /// <summary>Reads label smoothing and NEFTune's noise, which mean the same in all of these tools.</summary>
    public static void ReadLoss(SourceReader reader)
    {
        foreach (var (key, setting) in ((string, string)[])[("label_smoothing_factor", "label-smoothing"), ("neftune_noise_alpha", "neftune-alpha")])
        {
            if (reader.Number(key) is not { } value) continue;
            if (value == 0) reader.Run.HasNoEffect(key, SourceReader.AsHere);
            else reader.Set(setting, SourceReader.Format(value), key);
        }
    }

    // -1 is transformers' "by epochs".
    private static void ReadLength(SourceReader reader)
    {
        reader.Copy("num_train_epochs", "epochs", "3");
        if (reader.Number("max_steps") is not { } steps) return;
        if (steps > 0) reader.Set("max-steps", SourceReader.Format(steps), "max_steps");
        else reader.Run.HasNoEffect("max_steps", SourceReader.AsHere);
    }
}
