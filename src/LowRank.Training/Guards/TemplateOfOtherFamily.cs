namespace LowRank.Training.Guards;

/// <summary>The chat template marks turns with special tokens that this tokenizer does not have, as with a ChatML template over Llama 2's vocabulary.</summary>
internal sealed class TemplateOfOtherFamily : IGuard
{
    public string Id => GuardIds.TemplateOfOtherFamily;

    public GuardFinding? Before(GuardedRun run)
    {
        if (run.Model is not { ChatTemplate: { } template } model || !run.Examples.Any(e => e.Row is { Messages: not null } or { Prompt: not null })) return null;
        var split = TemplateMarkers.In(template.Source, model.Tokenizer).ToList();
        if (split.Count == 0) return null;
        return new($"The chat template is {split[0].Family}'s, but the tokenizer of this {model.Decoder.Spec.ModelType} model has no such tokens: {string.Join(", ", split.Select(s => $"{s.Marker} becomes {s.Pieces} pieces"))}.",
            "The model has never seen turns marked so, no end token closes its answers, and every marker costs several tokens.",
            "Use the template of the model's own instruct version (chat_template in tokenizer_config.json), or a model that knows this one.");
    }
}
