using System.IO.Hashing;
using System.Runtime.InteropServices;
using LowRank.Training.Data;

namespace LowRank.Training.Guards;

/// <summary>Held-out rows that are trained on too. Rows are compared by a hash of their tokens, which stand for the rendered text.</summary>
internal sealed class ValidationLeaks : IGuard
{
    private const int Named = 3;

    public string Id => GuardIds.ValidationLeaks;

    public GuardFinding? Before(GuardedRun run)
    {
        if (run.Validation.Count == 0) return null;
        var learned = new Dictionary<UInt128, Example>(run.Examples.Count);
        foreach (var example in run.Examples) learned.TryAdd(Hash(example), example);
        var leaked = run.Validation.Where(e => learned.ContainsKey(Hash(e))).ToList();
        if (leaked.Count == 0) return null;
        var places = leaked.Take(Named).Select(e => $"{e.Row?.Place ?? "a row"} is {learned[Hash(e)].Row?.Place ?? "a training row"}");
        return new($"{leaked.Count} of the {run.Validation.Count} held-out rows are among the training rows: {string.Join("; ", places)}{(leaked.Count > Named ? "; …" : "")}.",
            "A loss on rows that were learned says nothing about others: overfitting stays hidden, and early stopping chooses wrongly.",
            "Remove the duplicates from one of the two; in a single file, remove them before a part is held out.");
    }

    // What was cut off counts with its length: rows that begin alike for thousands of tokens are rarely of the same length.
    private static UInt128 Hash(Example example)
    {
        var hash = new XxHash128();
        hash.Append(MemoryMarshal.AsBytes(example.InputIds));
        hash.Append(MemoryMarshal.AsBytes<int>([example.LostTokens]));
        return hash.GetCurrentHashAsUInt128();
    }
}
