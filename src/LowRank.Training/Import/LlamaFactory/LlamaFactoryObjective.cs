namespace LowRank.Training.Import.LlamaFactory;

/// <summary>What a file of LLaMA-Factory learns: <c>stage</c> sft, dpo (with <c>pref_loss</c>) or kto. Other stages, and sft itself, are left to the table of keys.</summary>
internal static class LlamaFactoryObjective
{
    // Its loss of the better answer is the mean over its tokens, LowRank's that over all better answers' tokens of the step.
    private const string AnswerLoss = "LLaMA-Factory takes the mean of each better answer, LowRank that of all their tokens in a step: long answers weigh more here.";

    /// <summary>Reads it.</summary>
    /// <returns>Whether preferences or judged answers are learned.</returns>
    public static bool Read(SourceReader reader)
    {
        if (reader.Document.Look("stage")?.Text is not ("dpo" or "kto")) return false;
        if (reader.Text("stage") == "kto") ReadKto(reader);
        else ReadDpo(reader);
        return true;
    }

    private static void ReadKto(SourceReader reader)
    {
        reader.Set("objective", "kto", "stage");
        reader.Copy("pref_beta", "beta", "0.1");
        reader.Copy("kto_chosen_weight", "desirable-weight");
        reader.Copy("kto_rejected_weight", "undesirable-weight");
        if (reader.Number("pref_ftx") is > 0 and var weight) reader.Refuse("pref_ftx", $"{SourceReader.Format(weight)}: --objective kto has no loss of the good answers beside its own.");
        reader.Skip("of stage dpo", "pref_loss", "dpo_label_smoothing", "simpo_gamma", "pref_bco_weight");
    }

    private static void ReadDpo(SourceReader reader)
    {
        var loss = reader.Text("pref_loss") ?? "sigmoid";
        var origin = reader.Document.Has("pref_loss") ? "stage, pref_loss" : "stage";
        switch (loss)
        {
            case "orpo" or "simpo":
                reader.Set("objective", loss, "stage", origin);
                break;
            case "sigmoid" or "hinge" or "ipo":
                reader.Set("objective", "dpo", "stage", origin);
                if (loss != "sigmoid") reader.Set("dpo-loss", loss, "pref_loss");
                break;
            default:
                reader.Refuse("pref_loss", $"{loss}: LowRank has sigmoid, hinge, ipo, orpo and simpo.{(loss == "kto_pair" ? " KTO itself takes the same rows, each as a good and a bad answer: stage kto, or --objective kto." : "")}");
                break;
        }
        reader.Copy("pref_beta", "beta", "0.1");
        if (loss == "simpo") reader.Copy("simpo_gamma", "simpo-gamma");
        else reader.Skip("of pref_loss simpo", "simpo_gamma");
        if (loss == "orpo") reader.Run.Note("orpo: LLaMA-Factory's loss of the better answer is over the answer alone, LowRank's over the prompt too, as in TRL.");
        if (reader.Number("dpo_label_smoothing") is > 0 and var share) reader.Set("label-smoothing", SourceReader.Format(share), "dpo_label_smoothing");
        if (reader.Number("pref_ftx") is > 0 and var weight)
        {
            reader.Set("answer-weight", SourceReader.Format(weight), "pref_ftx");
            reader.Run.Note($"pref_ftx: {AnswerLoss}");
        }
        reader.Skip("of stage kto, or of another loss", "kto_chosen_weight", "kto_rejected_weight", "pref_bco_weight");
    }
}
