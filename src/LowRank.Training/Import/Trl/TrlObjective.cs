namespace LowRank.Training.Import.Trl;

/// <summary>
/// What a file of TRL learns. Which trainer reads it is not in the file; that of KTO has settings of its own, by which it is recognised (<c>KTOConfig</c>). Its defaults that matter: learning
/// rate 1e-6, and no dropout.
/// </summary>
internal static class TrlObjective
{
    /// <summary>Reads it.</summary>
    /// <returns>Whether it is KTO's.</returns>
    public static bool Read(SourceReader reader)
    {
        var document = reader.Document;
        var loss = document.Look("loss_type")?.Text;
        if (!document.Has("desirable_weight") && !document.Has("undesirable_weight") && loss is not ("kto" or "apo_zero_unpaired")) return false;
        reader.Set("objective", "kto", document.Has("desirable_weight") ? "desirable_weight" : document.Has("undesirable_weight") ? "undesirable_weight" : "loss_type", "KTOConfig: desirable_weight, undesirable_weight or loss_type");
        if (reader.Text("loss_type") is { } form and not "kto") reader.Refuse("loss_type", $"{form}: LowRank has the loss of KTO itself, kto.");
        reader.Copy("beta", "beta", "0.1");
        reader.Copy("desirable_weight", "desirable-weight");
        reader.Copy("undesirable_weight", "undesirable-weight");
        if (reader.Flag("disable_dropout", true))
        {
            if (document.Has("lora_dropout")) document.Take("lora_dropout");
            reader.Set("dropout", "0", "disable_dropout", document.Has("disable_dropout") ? "disable_dropout" : "TRL's default (disable_dropout: true)");
        }
        reader.Skip("the reference is computed when an answer is first met, and kept", "precompute_ref_log_probs");
        reader.Run.Note("KTO: the reference point of a step comes from all of its rows, in TRL from those of a device's batch: they are equal without accumulation on one device.");
        return true;
    }
}
