namespace LowRank.Training.Import.Axolotl;

/// <summary>What axolotl trains: an adapter over a base in 16 or 4 bits, or all weights.</summary>
internal static class AxolotlAdapter
{
    private static readonly string[] OfAdapters = ["lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_linear", "lora_target_parameters", "lora_modules_to_save", "lora_model_dir", "peft_use_dora", "peft_use_rslora", "peft_init_lora_weights", "peft_trainable_token_indices", "loraplus_lr_ratio"];

    /// <summary>Reads it.</summary>
    public static void Read(SourceReader reader)
    {
        var kind = reader.Text("adapter");
        var isFourBit = reader.Flag("load_in_4bit", false);
        if (kind is null)
        {
            reader.Set("method", "full", "adapter", "adapter: none, so all weights are trained");
            reader.Skip("of adapters; here all weights are trained", OfAdapters);
            return;
        }
        if (kind is not ("lora" or "qlora")) reader.Refuse("adapter", $"{kind}: LowRank has lora and qlora.");
        if (isFourBit || kind == "qlora") reader.Set("method", "qlora", "adapter", $"adapter: {kind} with load_in_4bit");
        else reader.Set("method", "lora", "adapter");
        ReadQuantization(reader);
        if (reader.Flag("peft_use_dora") == true) reader.Set("variant", "dora", "peft_use_dora");
        reader.Copy("lora_model_dir", "adapter");
        reader.Copy("lora_r", "rank");
        reader.Copy("lora_alpha", "alpha");
        reader.Copy("lora_dropout", "dropout", "0");
        reader.CopyFlag("peft_use_rslora", "rslora");
        ReadTargets(reader);
        reader.CopyNames("lora_target_parameters", "target-parameters");
        reader.CopyNames("lora_modules_to_save", "modules-to-save");
        reader.CopyNames("peft_trainable_token_indices", "train-tokens");
        reader.Copy("loraplus_lr_ratio", "plus");
        Starts.Read(reader, "peft_init_lora_weights");
    }

    private static void ReadTargets(SourceReader reader)
    {
        var linear = reader.Flag("lora_target_linear", false);
        var modules = reader.Document.Take("lora_target_modules");
        if (linear)
        {
            reader.Set("target", "all-linear", "lora_target_linear", "lora_target_linear: true");
            if (modules is not null) reader.Run.Note($"lora_target_modules {modules.Shown}: lora_target_linear adapts all linear layers besides. A head or an embedding among them is not in all-linear: name them in --modules-to-save, or give all names in --target.");
        }
        else if (modules?.Texts is { Count: > 0 } names) reader.Set("target", string.Join(',', names), "lora_target_modules");
        else if (!reader.Document.Has("lora_model_dir")) reader.Refuse("lora_target_modules", "neither lora_target_modules nor lora_target_linear names what is adapted.");
    }

    private static void ReadQuantization(SourceReader reader)
    {
        foreach (var (name, value) in reader.Members("bnb_config_kwargs"))
        {
            if (name == "bnb_4bit_quant_type" && value.Text is { } type) reader.Set("quant-type", type, "bnb_config_kwargs", name);
            else if (name == "bnb_4bit_use_double_quant" && value.Flag is { } twice) reader.Set("double-quant", twice ? "true" : "false", "bnb_config_kwargs", name);
            else reader.Refuse("bnb_config_kwargs", $"{name}: {value.Shown}: LowRank has bnb_4bit_quant_type and bnb_4bit_use_double_quant.");
        }
    }
}
