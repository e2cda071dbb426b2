using System.Diagnostics;
using LowRank.Models;
using LowRank.Models.Generation;
using LowRank.Training.Data;

namespace LowRank.Training.Comparison.Parts;

/// <summary>How fast a model writes one text, as a person who waits for an answer sees it: greedy, token by token, over the key-value cache.</summary>
internal static class AnswerSpeed
{
    private const int PromptTokens = 32, WarmUpTokens = 4, MeasuredTokens = 48;

    /// <summary>Tokens a second after the prompt. End tokens do not end it, so that every model writes as many.</summary>
    /// <param name="model">The model, with its adapter.</param>
    /// <param name="row">A text that the prompt is taken from.</param>
    /// <param name="cancellation">Ends it within a token.</param>
    public static double Measure(LanguageModel model, DataRow row, CancellationToken cancellation)
    {
        var text = model.Tokenizer.Encode(row.Text ?? row.Prompt ?? "Once upon a time", addSpecialTokens: true);
        var places = (int)Math.Min(model.Decoder.Spec.MaxPositions, int.MaxValue);
        var prompt = text[..Math.Min(text.Length, Math.Min(PromptTokens, places / 2))];
        var measured = Math.Min(MeasuredTokens, places - prompt.Length - WarmUpTokens);
        if (measured < 1) return double.NaN;
        using var batch = DecodingBatch.Prefill(model.Decoder, [prompt], WarmUpTokens + measured);
        for (var i = 0; i < WarmUpTokens; i++) Next(batch, cancellation);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < measured; i++) Next(batch, cancellation);
        return measured / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void Next(DecodingBatch batch, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var logits = batch.Logits(0);
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
            if (logits[i] > logits[best]) best = i;
        batch.Append([new[] { best }]);
    }
}
