using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Settings;
using LowRank.Training.Trackers.Mlflow;
using LowRank.Training.Trackers.Telemetry;
using LowRank.Training.Trackers.TensorBoard;
using LowRank.Training.Trackers.Wandb;

namespace LowRank.Training.Trackers;

/// <summary>The trackers that a run's settings ask for.</summary>
internal static class TrackerSetup
{
    /// <summary>Refuses what cannot work, before anything is loaded.</summary>
    /// <exception cref="SettingsException">There is no such tracker, or one lacks what it needs.</exception>
    public static void Check(TrackerSettings settings)
    {
        if (settings.Names().Contains(TrackerNames.Mlflow)) MlflowServer.FromSettings(settings);
    }

    /// <summary>Makes the trackers; each is opened when the run's first event comes.</summary>
    /// <param name="record">The run.</param>
    /// <param name="folder">Its folder, in full.</param>
    /// <param name="step">The step that it stands at: 0, or that of the checkpoint from which it goes on.</param>
    /// <param name="keep">Keeps a late warning.</param>
    public static RunTrackers Open(RunRecord record, string folder, long step, Action<TrainingEvent> keep)
    {
        var trackers = new RunTrackers(keep);
        var settings = record.Settings.Trackers;
        var names = settings.Names();
        var run = RunDescription.Of(record, folder);
        foreach (var name in names)
        {
            switch (name)
            {
                case TrackerNames.TensorBoard:
                    trackers.Add(name, _ => new TensorBoardTracker(run));
                    break;
                case TrackerNames.Wandb:
                    trackers.Add(name, _ => new WandbTracker(run, step));
                    break;
                case TrackerNames.Mlflow:
                    var server = MlflowServer.FromSettings(settings);
                    trackers.Add(name, warn => new MlflowTracker(run, server, warn));
                    break;
                default:
                    break;
            }
        }
        // A host that listens gets its measurements without a setting of ours.
        if (names.Contains(TrackerNames.OpenTelemetry) || TrainingTelemetry.IsListenedTo)
        {
            var parent = System.Diagnostics.Activity.Current?.Context ?? default;
            trackers.Add(TrackerNames.OpenTelemetry, _ => new TelemetryTracker(run, parent));
        }
        return trackers;
    }
}
