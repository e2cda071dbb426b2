using LowRank.Adapters.Initialization;

namespace LowRank.Training.Import;

/// <summary>How A and B start: PEFT's <c>init_lora_weights</c>.</summary>
internal static class Starts
{
    /// <summary>Reads it.</summary>
    public static void Read(SourceReader reader, string key)
    {
        if (reader.Document.Take(key) is not { } value || value.Flag == true) return;
        if (value.Text is { } name && value.Flag is null && InitializationName.Parse(name) is not null && InitializationName.Refusal(name) is null) reader.Set("init", name.ToLowerInvariant() is "gaussian" or "olora" ? name.ToLowerInvariant() : name, key);
        else reader.Refuse(key, $"{value.Shown}: LowRank has true (B is zero), gaussian, orthogonal, pissa, pissa_niter_N, olora and eva; loftq for a new adapter with --method qlora --init loftq.");
    }
}
