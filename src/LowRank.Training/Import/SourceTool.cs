namespace LowRank.Training.Import;

/// <summary>A tool whose settings are read.</summary>
internal enum SourceTool
{
    /// <summary>LLaMA-Factory: the YAML of <c>llamafactory-cli train</c>.</summary>
    LlamaFactory,

    /// <summary>axolotl: the YAML of <c>axolotl train</c>.</summary>
    Axolotl,

    /// <summary>TRL and transformers: the YAML of <c>trl sft</c>, or an <c>SFTConfig</c> or <c>TrainingArguments</c> as YAML or JSON.</summary>
    Trl,

    /// <summary>PEFT: <c>adapter_config.json</c>.</summary>
    Peft,
}
