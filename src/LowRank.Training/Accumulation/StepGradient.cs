using LowRank.Runtime.Memory;
using LowRank.Training.Events;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using LowRank.Training.Planning;

namespace LowRank.Training.Accumulation;

/// <summary>
/// Sums the gradients of a step's micro-batches, and cuts these into parts where memory would not suffice for them whole: on a processor before the step, by what is free now, because
/// running out of memory there is a kill; on a GPU by the error of the step that did not fit, which is then computed again in parts. Losses are sums over terms (supervised tokens, or pairs
/// of answers) and their gradients are divided by all terms of the step, so parts add up to the gradient of the whole but for rounding. Once cut, the batches of the run stay so.
/// </summary>
/// <param name="options">The run's options.</param>
internal sealed class StepGradient(TrainerOptions options)
{
    private readonly Queue<TrainingEvent> notices = new();

    /// <summary>Into how many parts each micro-batch falls, or as many as it has rows or preferences.</summary>
    public int Parts { get; private set; } = 1;

    /// <summary>What is free, and what the process occupies.</summary>
    public Func<(MachineMemory Machine, ProcessMemory Process)> Memory { get; set; } = () => (MachineMemory.Read(), ProcessMemory.Read());

    /// <summary>Looks before a step whether memory suffices for it, and cuts the batches until it does.</summary>
    /// <returns>Why the run cannot go on, or null.</returns>
    public string? Shortage()
    {
        if (options is not { WatchMemory: true, NeededBytes: { } whole }) return null;
        var (paged, (machine, process)) = (Math.Max(0, (options.PredictedPeakBytes ?? whole) - whole), Memory());
        while (StepMemory.Shortage(Needed(whole), paged, machine, process) is { } shortage)
            if (!TrySplit(shortage)) return StepMemory.Problem(Needed(whole), paged, machine, process);
        return null;
    }

    /// <summary>Adds up the gradients of a step.</summary>
    /// <param name="micro">Its micro-batches.</param>
    /// <param name="backward">Gives the summed loss of a batch and adds its gradient. The number beside the batch counts what went before it in the step.</param>
    /// <param name="clear">Sets the gradient to zero, before the step is computed again.</param>
    /// <returns>The sums over the step.</returns>
    /// <exception cref="LowRankException">Memory does not suffice, and the batches cannot or must not be cut.</exception>
    public BatchLoss Compute(Batch[] micro, Func<Batch, int, BatchLoss> backward, Action clear)
    {
        while (true)
        {
            try
            {
                var (loss, number) = (default(BatchLoss), 0);
                foreach (var batch in micro)
                    foreach (var part in BatchParts.Of(batch, Parts)) loss += backward(part, number++);
                return loss;
            }
            catch (Exception error) when (OutOfMemory.Is(error))
            {
                var problem = FirstLine(error.Message);
                if (micro.All(b => BatchParts.Units(b) <= Parts) || !TrySplit(problem)) throw Stopped(problem, error);
                // What was being computed when memory ran out has added a part of its gradient.
                clear();
                BlockPool.Trim();
            }
        }
    }

    /// <summary>Takes what is to be told, the oldest first.</summary>
    public TrainingEvent? TakeNotice() => notices.TryDequeue(out var oldest) ? oldest : null;

    private long Needed(long whole) => Parts == 1 ? whole : options.NeededBytesInParts?.Invoke(Parts) ?? whole;

    private bool TrySplit(string reason)
    {
        if (options.OnOutOfMemory == OnOutOfMemory.Stop || Parts >= options.Batches.BatchSize) return false;
        Parts *= 2;
        var rows = (options.Batches.BatchSize + Parts - 1) / Parts;
        notices.Enqueue(new MicroBatchesSplit { Parts = Parts, Reason = reason });
        notices.Enqueue(new RunWarning(FormattableString.Invariant($"Memory does not suffice for micro-batches of {options.Batches.BatchSize} rows. {reason.TrimEnd('.')}. They are computed in {Parts} parts of at most {rows} from here on, with the same gradient; the next run does it at once with --batch {rows} --accumulate {options.Accumulate * ((options.Batches.BatchSize + rows - 1) / rows)}.")));
        return true;
    }

    private LowRankException Stopped(string problem, Exception error) => new(
        $"Memory does not suffice for a step: {problem.TrimEnd('.')}. " +
        (options.OnOutOfMemory == OnOutOfMemory.Stop ? "--on-oom stop asks to end here; with --on-oom split the batch would be computed in parts. " : "One row at a time does not fit either. ") +
        "Take a smaller --batch with more --accumulate, a shorter --max-length, --checkpointing full or --method qlora; lowrank plan shows what each saves.", error);

    // libtorch puts a stack of C++ functions and advice on environment variables behind its first sentences.
    private static string FirstLine(string message)
    {
        var line = message.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var end ? message[..end] : message;
        return line.Length > 300 ? line[..300] + "…" : line;
    }
}
