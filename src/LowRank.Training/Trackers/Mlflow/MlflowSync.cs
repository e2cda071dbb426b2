namespace LowRank.Training.Trackers.Mlflow;

/// <summary>Sends what an MLflow server lacks of a run that has ended.</summary>
internal static class MlflowSync
{
    /// <summary>Whether a run's folder has something to send.</summary>
    public static bool IsAt(string folder) => new MlflowSpool(folder).HasLines;

    /// <summary>Sends it.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="LowRankException">The server does not answer or refuses; what it has taken is noted.</exception>
    public static async Task<SyncResult> SendAsync(string folder, Func<string, string?> variable, CancellationToken cancellation)
    {
        var spool = new MlflowSpool(folder);
        var state = spool.State ?? throw new LowRankException($"{spool.Folder} does not say to which server it belongs: run.json is missing.");
        using var client = new MlflowClient(MlflowServer.Of(state.Server, variable), TimeSpan.FromSeconds(60));
        var sent = await new MlflowSender(spool, client).SendAsync(cancellation).ConfigureAwait(false);
        var isWhole = spool.RemoveIfSent();
        return new SyncResult(TrackerNames.Mlflow, spool.State?.RunId ?? "", spool.Folder, sent, isWhole);
    }
}
