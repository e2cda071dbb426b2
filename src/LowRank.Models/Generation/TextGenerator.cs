using System.Security.Cryptography;

namespace LowRank.Models.Generation;

/// <summary>
/// Generates text on the calling thread: takes the prompt into a key-value cache, then one token after another. Nothing native is left when a
/// method returns or throws.
/// </summary>
internal sealed class TextGenerator(LanguageModel model)
{
    /// <summary>Generates after many prompts, in batches of rows of like length; a row that ends leaves its batch.</summary>
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="options">The settings.</param>
    /// <param name="batchSize">Rows at a time.</param>
    /// <param name="limits">The most tokens of each row, besides that of the settings; null for none.</param>
    /// <param name="progress">Is told rows done.</param>
    /// <param name="adapters">The adapter of each prompt by its name among those that the model holds, null for the base alone; null where all rows use what is chosen.</param>
    /// <param name="cancellation">Stops after the token that is being computed.</param>
    /// <returns>One text for each prompt, in their order. Greedy texts do not depend on the batches beyond rounding, sampled ones not on the rows beside them.</returns>
    public IReadOnlyList<GeneratedText> GenerateBatch(
        IReadOnlyList<int[]> prompts, GenerationOptions options, int batchSize, IReadOnlyList<int>? limits = null, Action<int>? progress = null, IReadOnlyList<string?>? adapters = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        options.Validate();
        using var routes = adapters is null ? null : new RowRoutes(model, adapters, prompts.Count);
        for (var i = 0; i < prompts.Count; i++) Check(prompts[i], prompts.Count == 1 ? "The prompt" : $"Prompt {i + 1}");
        var seed = options.Seed ?? RandomSeed();
        var results = new GeneratedText[prompts.Count];
        var done = 0;
        // Longest first: a batch that does not fit the memory fails at once and not after an hour.
        foreach (var chunk in Enumerable.Range(0, prompts.Count).OrderByDescending(i => prompts[i].Length).Chunk(batchSize))
        {
            var rows = Array.ConvertAll(chunk, i => new GeneratedRow(model, prompts[i], options, limits?[i] ?? int.MaxValue,
                new TokenChooser(options, seed, i, prompts[i]), options.StopTexts.Count == 0 ? null : new TextStream(model.Tokenizer, options.StopTexts, [])));
            routes?.Begin(chunk);
            using (var batch = DecodingBatch.Prefill(model.Decoder, Array.ConvertAll(chunk, i => prompts[i]), options.MaxNewTokens))
                Decode(batch, rows, routes, ended => progress?.Invoke(done += ended), cancellation);
            for (var i = 0; i < chunk.Length; i++) results[chunk[i]] = rows[i].Result();
        }
        return results;
    }

    /// <summary>Generates after one prompt and gives the text piece by piece.</summary>
    /// <param name="prompt">The prompt's token ids.</param>
    /// <param name="options">The settings.</param>
    /// <param name="continues">Whether the text continues that of the prompt (its first word may then begin with a space) or is one of its own.</param>
    /// <param name="emit">Takes the pieces.</param>
    /// <param name="cancellation">Stops after the token that is being computed.</param>
    public GeneratedText Stream(int[] prompt, GenerationOptions options, bool continues, Action<string> emit, CancellationToken cancellation)
    {
        options.Validate();
        Check(prompt, "The prompt");
        cancellation.ThrowIfCancellationRequested();
        using var batch = DecodingBatch.Prefill(model.Decoder, [prompt], options.MaxNewTokens);
        return Stream(batch, Row(prompt, options, continues), emit, cancellation);
    }

    /// <summary>Generates a row over a cache that holds its prompt already, and gives the text piece by piece.</summary>
    public static GeneratedText Stream(DecodingBatch batch, GeneratedRow row, Action<string> emit, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (row.Advance(batch.Logits(0)) is { Length: > 0 } piece) emit(piece);
            if (row.Finish is not null) return row.Result();
            batch.Append([new[] { row.Ids[^1] }]);
        }
    }

    /// <summary>A row whose text is given piece by piece.</summary>
    public GeneratedRow Row(int[] prompt, GenerationOptions options, bool continues) =>
        new(model, prompt, options, int.MaxValue, new TokenChooser(options, options.Seed ?? RandomSeed(), 0, prompt), new TextStream(model.Tokenizer, options.StopTexts, continues ? prompt : []));

    /// <exception cref="GenerationException">The prompt is empty, too long, or holds ids that the model does not have.</exception>
    internal void Check(int[] prompt, string name)
    {
        if (WhyUnusable(prompt, name) is { } why) throw new GenerationException(why);
    }

    /// <summary>Why nothing can be generated after a prompt, or null.</summary>
    internal string? WhyUnusable(int[] prompt, string name)
    {
        var spec = model.Decoder.Spec;
        if (prompt.Length == 0) return $"{name} has no tokens: give it some text. (The tokenizer adds no token that begins a text.)";
        if (prompt.Length >= spec.MaxPositions) return $"{name} has {prompt.Length} tokens, the context of {model.Id} {spec.MaxPositions}: no place is left for an answer. Shorten it.";
        foreach (var id in prompt)
            if ((uint)id >= spec.VocabularySize) return $"{name} holds the id {id}, but {model.Id} has {spec.VocabularySize} tokens. Was it made with another tokenizer?";
        return null;
    }

    private static void Decode(DecodingBatch batch, GeneratedRow[] rows, RowRoutes? routes, Action<int> ended, CancellationToken cancellation)
    {
        var going = rows;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            for (var i = 0; i < going.Length; i++) going[i].Advance(batch.Logits(i));
            var kept = Enumerable.Range(0, going.Length).Where(i => going[i].Finish is null).ToArray();
            if (kept.Length < going.Length)
            {
                ended(going.Length - kept.Length);
                if (kept.Length == 0) return;
                batch.Keep(kept);
                routes?.Keep(kept);
                going = Array.ConvertAll(kept, i => going[i]);
            }
            batch.Append(Array.ConvertAll(going, r => (ReadOnlyMemory<int>)new[] { r.Ids[^1] }));
        }
    }

    private static long RandomSeed() => BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
}
