using System.Globalization;
using LowRank.Formats;

namespace LowRank.Training.Trackers.Wandb;

/// <summary>
/// What has been sent of a run's file, beside it: <c>.synced</c> when everything has (the mark that <c>wandb sync</c> sets and heeds too), else <c>.sync</c> with the number of history lines
/// that the server has taken.
/// </summary>
/// <param name="log">The run's file.</param>
internal sealed class SyncMarks(string log)
{
    private readonly string done = log + ".synced";
    private readonly string begun = log + ".sync";

    /// <summary>Whether everything has been sent.</summary>
    public bool IsDone => File.Exists(done);

    /// <summary>History lines that the server has taken.</summary>
    public int Lines => File.Exists(begun) && int.TryParse(File.ReadAllText(begun), NumberStyles.None, CultureInfo.InvariantCulture, out var lines) ? lines : 0;

    /// <summary>Notes that the server has taken so many history lines.</summary>
    public void Took(int lines) => AtomicFile.WriteAllText(begun, lines.ToString(CultureInfo.InvariantCulture));

    /// <summary>Notes that everything has been sent.</summary>
    public void Finish()
    {
        AtomicFile.WriteAllText(done, "");
        File.Delete(begun);
    }

    /// <summary>The file has changed: it has to be sent anew.</summary>
    public void Clear()
    {
        File.Delete(done);
        File.Delete(begun);
    }
}
