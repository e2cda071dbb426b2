using LowRank.Training.Trackers;

namespace LowRank.Training.Import;

/// <summary>
/// Where a run is followed: the trackers of other tools that LowRank has too, with their projects and the run's name. Keys that name none of them stay for the table of keys, as other ways of showing a run do.
/// </summary>
internal static class TrackedBy
{
    // What transformers calls them, which is what they are called here.
    private static readonly string[] Known = [TrackerNames.TensorBoard, TrackerNames.Wandb, TrackerNames.Mlflow];

    /// <summary>Reads <c>report_to</c> and <c>run_name</c> of transformers.</summary>
    public static void ReadReportTo(SourceReader reader)
    {
        const string key = "report_to";
        var names = reader.Document.Look(key)?.Texts ?? [];
        var (known, others) = (names.Where(Known.Contains).ToArray(), names.Where(n => n != TrackerNames.None && !Known.Contains(n)).ToArray());
        if (others.Length > 0) reader.Run.Note($"{key} {string.Join(", ", others)}: LowRank follows runs by {string.Join(", ", Known)} (--tracker), and writes every step to metrics.jsonl.");
        if (known.Length == 0) return;
        reader.Document.Take(key);
        reader.Set("tracker", string.Join(',', known), key);
        if (reader.Document.Has("run_name")) reader.Copy("run_name", "run-name");
    }

    /// <summary>Reads axolotl's keys: it tracks by W&amp;B where a project is named or <c>use_wandb</c> is set, by MLflow and TensorBoard where that is said.</summary>
    public static void ReadAxolotl(SourceReader reader)
    {
        var trackers = new List<(string Name, string Key)>();
        if (On("use_wandb", "wandb_project") is { } wandb && reader.Document.Look("wandb_mode")?.Text != "disabled")
        {
            trackers.Add((TrackerNames.Wandb, wandb));
            Name("wandb_project", "wandb_name");
        }
        if (On("use_mlflow", "mlflow_tracking_uri") is { } mlflow)
        {
            trackers.Add((TrackerNames.Mlflow, mlflow));
            if (reader.Document.Has("mlflow_tracking_uri")) reader.Copy("mlflow_tracking_uri", "mlflow-uri");
            // One name for all trackers: W&B's comes first.
            if (trackers.Count == 1) Name("mlflow_experiment_name", "mlflow_run_name");
        }
        if (On("use_tensorboard") is { } board) trackers.Add((TrackerNames.TensorBoard, board));
        if (trackers.Count == 0) return;
        reader.Set("tracker", string.Join(',', trackers.Select(t => t.Name)), trackers[0].Key, string.Join(", ", trackers.Select(t => t.Key)));

        // The key that switches it on; null where it is off.
        string? On(string flag, string? naming = null)
        {
            if (reader.Document.Look(flag)?.Flag is { } given)
            {
                if (!given) return null;
                reader.Document.Take(flag);
                return flag;
            }
            return naming is not null && reader.Document.Has(naming) ? naming : null;
        }

        void Name(string project, string run)
        {
            if (reader.Document.Has(project)) reader.Copy(project, "project");
            if (reader.Document.Has(run)) reader.Copy(run, "run-name");
        }
    }
}
