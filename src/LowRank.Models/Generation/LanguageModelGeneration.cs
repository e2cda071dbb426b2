using LowRank.Models.Generation;
using LowRank.Models.Templates;

namespace LowRank.Models;

/// <summary>
/// What a <see cref="LanguageModel"/> says. The asynchronous members generate on a thread of their own; a model serves one generation at a time, so end one
/// (read it to its end, cancel it, or stop enumerating) before the next begins.
/// </summary>
public static class LanguageModelGeneration
{
    /// <summary>Continues a text and gives the continuation piece by piece, each as soon as its characters are certain. The chat template is not used.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The text to continue. A token that begins a text is put before it where the tokenizer says so.</param>
    /// <param name="options">How; null for the defaults: greedy, 256 tokens.</param>
    /// <param name="cancellation">Ends the generation within one token; the reader gets an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="GenerationException">The prompt is empty or fills the model's context, or a setting is out of range.</exception>
    public static IAsyncEnumerable<string> GenerateAsync(this LanguageModel model, string prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompt);
        return GenerationThread.Stream((emit, stop) =>
            new TextGenerator(model).Stream(model.Tokenizer.Encode(prompt, addSpecialTokens: true), options ?? new GenerationOptions(), continues: true, emit, stop), cancellation);
    }

    /// <summary>Answers a conversation, rendered by the model's chat template, piece by piece. For a conversation that goes on, <see cref="ChatSession"/> is faster.</summary>
    /// <param name="model">The model.</param>
    /// <param name="messages">The conversation; the assistant's answer to the last message is generated.</param>
    /// <param name="options">How; null for the defaults: greedy, 256 tokens.</param>
    /// <param name="cancellation">Ends the generation within one token; the reader gets an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="GenerationException">The model has no chat template, the conversation fills its context, or a setting is out of range.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public static IAsyncEnumerable<string> ChatAsync(this LanguageModel model, IReadOnlyList<ChatMessage> messages, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(messages);
        return GenerationThread.Stream((emit, stop) =>
            new TextGenerator(model).Stream(model.EncodeChat(messages), options ?? new GenerationOptions(), continues: false, emit, stop), cancellation);
    }

    /// <summary>
    /// Generates after many prompts on the calling thread, in batches of rows of like length. Greedy results equal those of the prompts alone, up to rounding;
    /// sampled ones depend on the seed and the prompt's place in the list.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Token ids of each prompt, of any lengths; see <see cref="EncodeChat"/>.</param>
    /// <param name="options">How; null for the defaults: greedy, 256 tokens.</param>
    /// <param name="batchSize">Prompts at a time. Default 32. More are faster until the processor is busy, and take more memory.</param>
    /// <param name="progress">Is told how many prompts are done.</param>
    /// <param name="cancellation">Ends the generation within one token.</param>
    /// <returns>One text for each prompt, in their order.</returns>
    /// <exception cref="GenerationException">A prompt is empty or fills the model's context, or a setting is out of range.</exception>
    public static IReadOnlyList<GeneratedText> GenerateBatch(
        this LanguageModel model, IReadOnlyList<int[]> prompts, GenerationOptions? options = null, int batchSize = 32, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        return new TextGenerator(model).GenerateBatch(prompts, options ?? new GenerationOptions(), batchSize, progress: progress, cancellation: cancellation);
    }

    /// <summary>
    /// The same, where each prompt is answered with an adapter of its own, of those that <see cref="LanguageModel.HoldAdapters"/> holds: the base is multiplied once for all rows of a batch.
    /// Each text equals that of its prompt and adapter alone, up to rounding. Choose no adapters meanwhile; what was chosen before is so again afterwards.
    /// </summary>
    /// <param name="model">The model, which holds adapters.</param>
    /// <param name="prompts">Token ids of each prompt.</param>
    /// <param name="adapters">The adapter of each prompt by its name; null for the base alone.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="batchSize">Rows at a time.</param>
    /// <param name="progress">Is told rows done.</param>
    /// <param name="cancellation">Stops after the token that is being computed.</param>
    /// <exception cref="ArgumentException">The model holds no adapters, one of these is not among them, or there are not as many as prompts.</exception>
    public static IReadOnlyList<GeneratedText> GenerateBatch(
        this LanguageModel model, IReadOnlyList<int[]> prompts, IReadOnlyList<string?> adapters, GenerationOptions? options = null, int batchSize = 32, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(adapters);
        return new TextGenerator(model).GenerateBatch(prompts, options ?? new GenerationOptions(), batchSize, progress: progress, adapters: adapters, cancellation: cancellation);
    }

    /// <summary>As <see cref="GenerateBatch(LanguageModel, IReadOnlyList{int[]}, GenerationOptions, int, Action{int}, CancellationToken)"/>, on a thread of its own.</summary>
    /// <inheritdoc cref="GenerateBatch(LanguageModel, IReadOnlyList{int[]}, GenerationOptions, int, Action{int}, CancellationToken)"/>
    public static Task<IReadOnlyList<GeneratedText>> GenerateBatchAsync(
        this LanguageModel model, IReadOnlyList<int[]> prompts, GenerationOptions? options = null, int batchSize = 32, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        return GenerationThread.Run(() => model.GenerateBatch(prompts, options, batchSize, progress, cancellation));
    }

    /// <summary>The token ids of a conversation up to where the assistant's answer is to begin.</summary>
    /// <param name="model">The model.</param>
    /// <param name="messages">The conversation.</param>
    /// <param name="tools">The tools that the model may call, as <see cref="ChatTemplateOptions.Tools"/>; null for none.</param>
    /// <exception cref="GenerationException">The model has no chat template.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public static int[] EncodeChat(this LanguageModel model, IReadOnlyList<ChatMessage> messages, object? tools = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        var template = model.ChatTemplate
            ?? throw new GenerationException($"{model.Id} has no chat template, so it cannot chat. Take an instruct model, or generate from a plain prompt.");
        return model.Tokenizer.Encode(template.Render(messages, new ChatTemplateOptions { AddGenerationPrompt = true, Tools = tools }));
    }
}
