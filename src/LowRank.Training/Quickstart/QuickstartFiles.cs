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
        isTiny ? new(ShippedFiles.Find(Tiny), ShippedFiles.Find(Tiny + "/subjects.train.jsonl"), ShippedFiles.Find(Tiny + "/subjects.test.jsonl"))
            : new("", ShippedFiles.Find(Clinc + "/intents-20.train.jsonl"), ShippedFiles.Find(Clinc + "/intents-20.test.jsonl"));
}
