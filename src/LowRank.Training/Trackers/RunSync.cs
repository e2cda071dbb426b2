using LowRank.Training.Trackers.Mlflow;
using LowRank.Training.Trackers.Wandb;

namespace LowRank.Training.Trackers;

/// <summary>Sends later what trackers kept on disk: offline runs of Weights and Biases, and what an MLflow server had not taken.</summary>
internal static class RunSync
{
    /// <summary>Sends everything at a path. One failure does not keep the rest from being sent.</summary>
    /// <param name="path">A run's folder, an offline run's folder, a folder of such folders, or a <c>.wandb</c> file.</param>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <param name="progress">Is told what is being sent.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="LowRankException">There is nothing, or something could not be sent; all problems are told together.</exception>
    public static async Task<IReadOnlyList<SyncResult>> SendAsync(string path, Func<string, string?> variable, Action<string> progress, CancellationToken cancellation)
    {
        var logs = WandbFolder.LogsAt(path);
        var hasSpool = Directory.Exists(path) && MlflowSync.IsAt(path);
        if (logs.Count == 0 && !hasSpool) throw new LowRankException($"{path} holds nothing to send: neither an offline run of Weights & Biases nor what an MLflow server lacks. Give the folder of a run that had --tracker wandb or mlflow.");
        var (results, problems) = (new List<SyncResult>(), new List<string>());
        var sent = logs.Where(l => new SyncMarks(l).IsDone).ToHashSet(StringComparer.Ordinal);
        results.AddRange(sent.Select(l => new SyncResult(TrackerNames.Wandb, Path.GetFileNameWithoutExtension(l), l, 0, IsWhole: true)));
        if (logs.Count > sent.Count) await TryAsync(SendLogsAsync).ConfigureAwait(false);
        if (hasSpool)
        {
            await TryAsync(async () =>
            {
                progress($"Sending {Path.Combine(path, MlflowSpool.FolderName)}");
                return await MlflowSync.SendAsync(path, variable, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
        }
        return problems.Count == 0 ? results : throw new LowRankException(string.Join("\n", problems));

        async Task<SyncResult?> SendLogsAsync()
        {
            using var client = new WandbClient(WandbServer.FromEnvironment(variable));
            foreach (var log in logs.Where(l => !sent.Contains(l)))
            {
                progress($"Sending {log}");
                await TryAsync(async () => await WandbSync.SendAsync(log, client, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
            }
            return null;
        }

        async Task TryAsync(Func<Task<SyncResult?>> send)
        {
            try
            {
                if (await send().ConfigureAwait(false) is { } result) results.Add(result);
            }
            catch (TrackerServerException error)
            {
                problems.Add($"{error.Message.TrimEnd('.')}. What it has taken is noted: lowrank runs sync {path} goes on from there.");
            }
            catch (LowRankException error)
            {
                problems.Add(error.Message);
            }
        }
    }
}
