using LowRank.Models.Generation;

namespace LowRank.Training.Comparison.Parts;

/// <summary>Does parts in this process, one after another. The measured peak is then that of all parts so far: for tests, and where no process can be started.</summary>
internal sealed class InProcessRunner : IPartRunner
{
    /// <inheritdoc/>
    public Task RunAsync(string request, Action<PartProgress> tell, CancellationToken cancellation) => GenerationThread.Run(() =>
    {
        PartWorker.Run(request, tell, cancellation);
        return true;
    });
}
