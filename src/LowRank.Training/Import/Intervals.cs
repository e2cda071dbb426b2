namespace LowRank.Training.Import;

/// <summary>When a run evaluates, saves and stops, by transformers' names. None of it but stopping changes what is learned.</summary>
internal static class Intervals
{
    // Evaluations that no run reaches: the best adapter is kept, and nothing stops early.
    private const string NeverStop = "1000000";

    /// <summary>Reads evaluation, checkpoints and early stopping.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="stepsCount">Whether a number of steps counts without a strategy beside it, as in axolotl.</param>
    public static void Read(SourceReader reader, bool stepsCount = false)
    {
        var (evaluates, saves) = (Strategy(reader, "eval_strategy") ?? Strategy(reader, "evaluation_strategy"), Strategy(reader, "save_strategy"));
        Steps(reader, "eval_steps", "eval-every", evaluates == "steps" || (stepsCount && evaluates is null));
        Steps(reader, "save_steps", "save-every", saves is null or "steps");
        reader.Copy("save_total_limit", "keep-checkpoints");
        if (reader.Flag("load_best_model_at_end") == true && !reader.Run.Lines.ContainsKey("patience"))
            reader.Set("patience", NeverStop, "load_best_model_at_end", "load_best_model_at_end: the adapter with the best held-out loss is kept; no run stops early at this number");
    }

    private static string? Strategy(SourceReader reader, string key)
    {
        var strategy = reader.Text(key);
        if (strategy is not null) reader.Run.HasNoEffect(key, "LowRank evaluates and saves once an epoch, or by --eval-every and --save-every");
        return strategy;
    }

    // A number below 1 is a share of a length that only the run knows.
    private static void Steps(SourceReader reader, string key, string setting, bool counts)
    {
        if (reader.Number(key) is not { } steps) return;
        if (!counts) reader.Run.HasNoEffect(key, "another setting says when");
        else if (steps >= 1) reader.Set(setting, SourceReader.Format(steps), key);
        else reader.Run.Note($"{key} {SourceReader.Format(steps)} is a share of all steps: --{setting} takes steps, and is once an epoch where it is left out.");
    }
}
