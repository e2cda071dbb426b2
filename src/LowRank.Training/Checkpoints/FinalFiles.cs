using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Training.Methods;

namespace LowRank.Training.Checkpoints;

/// <summary>The result of a run: its files stand in the run's folder itself, so that <c>--adapter out</c> finds them.</summary>
public static class FinalFiles
{
    /// <summary>Writes the files beside each other first, then moves each into its place: none is ever half there.</summary>
    public static void Write(string output, TrainedWeights weights, AdapterRecord record) => Write(output, weights, record, portable: false);

    /// <summary>As <see cref="Write(string, TrainedWeights, AdapterRecord)"/>; an adapter may get its portable form, with its scaling in the matrices.</summary>
    internal static void Write(string output, TrainedWeights weights, AdapterRecord record, bool portable)
    {
        var (staging, steps) = (Path.Combine(output, ".result"), FileSystemSteps.Current);
        steps.DeleteFolder(staging);
        using (var folder = AtomicFolder.Create(staging))
        {
            weights.WriteInto(folder, record);
            if (portable) PortableAdapter.Replace(folder.PartialPath);
            folder.Commit();
        }
        foreach (var file in Directory.GetFiles(staging).Order(StringComparer.Ordinal)) steps.Rename(file, Path.Combine(output, Path.GetFileName(file)));
        steps.FlushFolder(output);
        steps.DeleteFolder(staging);
    }
}
