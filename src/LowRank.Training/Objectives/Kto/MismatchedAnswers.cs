using LowRank.Adapters;
using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Packing;

namespace LowRank.Training.Objectives.Kto;

/// <summary>
/// KTO's reference point, from answers behind prompts that they do not belong to: each prompt gets the answer of the example before it, the first that of the last, as in TRL. There it is
/// the batch of a device, here all of a step, so that accumulated micro-batches equal one large batch. No gradient goes through it, and nothing is dropped out.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="adapter">Its adapter.</param>
/// <param name="examples">The examples.</param>
/// <param name="batches">How many rows go through the model at once.</param>
internal sealed class MismatchedAnswers(LanguageModel model, AttachedAdapter adapter, IReadOnlyList<Example> examples, BatchOptions batches)
{
    // A prompt and another's answer can be longer than any row of the run; what is beyond is cut off, so that memory holds what it was planned for.
    private readonly int longest = examples.Count == 0 ? 0 : examples.Max(e => e.Length);

    /// <summary>The reference point of a step.</summary>
    /// <param name="step">Its examples, by their numbers, in their order.</param>
    public double ReferencePoint(IReadOnlyList<int> step)
    {
        Example[] mismatched = [.. step.Select((example, place) => Pair(examples[example], examples[Before(step, place)]))];
        var (policy, reference) = (new List<double>(mismatched.Length), new List<double>(mismatched.Length));
        foreach (var rows in Enumerable.Range(0, mismatched.Length).Select(i => new[] { i }).Chunk(batches.BatchSize))
        {
            var batch = BatchAssembler.Assemble(mismatched, rows, batches.PadTokenId, batches.PadToMultipleOf);
            policy.AddRange(CausalLoss.EvaluateEach(model.Decoder, batch).Select(loss => -loss));
            using (adapter.Disable()) reference.AddRange(CausalLoss.EvaluateEach(model.Decoder, batch).Select(loss => -loss));
        }
        return KtoLoss.ReferencePoint([.. policy], [.. reference]);
    }

    // A step of one row, which the end of an epoch can leave, takes the answer of the example before it in the data.
    private int Before(IReadOnlyList<int> step, int place) =>
        step.Count > 1 ? step[(place + step.Count - 1) % step.Count] : (step[0] + examples.Count - 1) % examples.Count;

    private Example Pair(Example asked, Example answered)
    {
        var (prompt, answer) = (FirstLearned(asked), FirstLearned(answered));
        int[] ids = [.. asked.InputIds[..prompt], .. answered.InputIds[answer..]];
        bool[] learned = [.. new bool[prompt], .. answered.Supervised[answer..]];
        return ids.Length <= longest ? new Example(ids, learned) : new Example(ids[..longest], learned[..longest]);
    }

    // The first token is never learned: nothing stands before it.
    private static int FirstLearned(Example example) => 1 + example.Supervised[1..].IndexOf(true);
}
