using LowRank.Models;

namespace LowRank.Training.Evaluation.Choices;

/// <summary>
/// A context and a continuation as tokens, cut as lm-evaluation-harness cuts them (its <c>_encode_pair</c>): both are tokenized together, the tokens of the context alone tell where the continuation
/// begins, and white space at the end of the context goes to the continuation. No special tokens are added; before an empty context stands the token that begins a text, or ends one.
/// </summary>
internal static class ChoiceTokens
{
    /// <summary>What stands between a context and a choice: the harness's <c>target_delimiter</c>.</summary>
    public const string Delimiter = " ";

    /// <summary>The token ids, and how many of them are the context's.</summary>
    public static (int[] Ids, int ContextLength) Encode(LanguageModel model, string context, string continuation)
    {
        var kept = context.TrimEnd();
        (continuation, context) = (context[kept.Length..] + continuation, kept);
        var before = context.Length == 0 ? [] : model.Tokenizer.Encode(context, addSpecialTokens: false);
        if (before.Length > 0) return (model.Tokenizer.Encode(context + continuation, addSpecialTokens: false), before.Length);
        return ([Prefix(model), .. model.Tokenizer.Encode(continuation, addSpecialTokens: false)], 1);
    }

    private static int Prefix(LanguageModel model)
    {
        foreach (var token in (string?[])[model.TokenizerConfig.BosToken, model.TokenizerConfig.EosToken])
            if (token is not null && model.Tokenizer.TokenToId(token) is { } id) return id;
        return model.EndTokens.Count > 0 ? model.EndTokens[0] : 0;
    }
}
