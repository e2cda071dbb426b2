namespace LowRank.Training.Quickstart;

/// <summary>The tiny model and the data sets that come with the program: beside it, or in the repository above it.</summary>
/// <param name="TinyModel">The tiny model's folder.</param>
/// <param name="Training">Rows to learn.</param>
/// <param name="HeldOut">Rows that are held out.</param>
internal sealed record QuickstartFiles(string TinyModel, string Training, string HeldOut)
{
    private const string Tiny = "assets/tiny", Clinc = "samples/data/clinc";

    /// <summary>Finds the files.</summary>
    /// <param name="isTiny">Whether the data is that for the tiny model.</param>
    /// <exception cref="LowRankException">They are not there.</exception>
    public static QuickstartFiles Find(bool isTiny) =>
        isTiny ? new(Find(Tiny), Find(Tiny + "/subjects.train.jsonl"), Find(Tiny + "/subjects.test.jsonl")) : new("", Find(Clinc + "/intents-20.train.jsonl"), Find(Clinc + "/intents-20.test.jsonl"));

    private static string Find(string path)
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
            if (Path.Combine(folder, path) is var found && Path.Exists(found)) return found;
        throw new LowRankException($"{path} is neither beside the program ({AppContext.BaseDirectory}) nor in a folder above it. The quickstart needs these files: install the tool again, or run it from a clone of the repository.");
    }
}
