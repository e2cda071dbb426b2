namespace LowRank.Training.Guards;

/// <summary>
/// No example has an end token among those that are learned, so that the model would go on talking. Plain text and token ids that are all learned are left out: they may be parts
/// of longer texts. Where the template itself is wrong, <see cref="TemplateOfOtherFamily"/> says so, and this guard keeps quiet.
/// </summary>
internal sealed class EndOfTurnUntrained : IGuard
{
    public string Id => GuardIds.EndOfTurnUntrained;

    public GuardFinding? Before(GuardedRun run)
    {
        if (run.Model is not { EndTokens: { Count: > 0 } ends } model || (model.ChatTemplate is { } template && TemplateMarkers.In(template.Source, model.Tokenizer).Any())) return null;
        var answers = 0;
        var truncated = 0;
        foreach (var example in run.Examples)
        {
            if (example.Row is null or { Text: not null } || (example.Row.InputIds is not null && example.SupervisedTokens >= example.Length - 1)) continue;
            answers++;
            if (example.LostTokens > 0) truncated++;
            var ids = example.InputIds;
            var supervised = example.Supervised;
            // The end stands at the back: from there it is found at once.
            for (var t = ids.Length - 1; t > 0; t--) if (supervised[t] && ends.Contains(ids[t])) return null;
        }
        if (answers == 0) return null;
        var names = string.Join(" or ", ends.Take(3).Select(e => model.Tokenizer.IdToToken(e) ?? $"token {e}"));
        return new($"In none of the {answers} answers is the token learned that ends a turn ({names}).",
            "What is never learned is not said: the model will not stop after its answer.",
            truncated == answers ? "All rows are cut: raise --max-length, so that their ends are kept."
                : "Look at a row with lowrank inspect FILE --model MODEL. The chat template must print that token behind each answer, and the model's eos_token must be the one that it prints.");
    }
}
