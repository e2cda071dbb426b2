using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using LowRank.Models.Templates;

namespace LowRank.Models.Generation;

/// <summary>
/// A conversation that goes on. It keeps the messages, and the key-value cache of what was rendered so far: a turn computes only what is new. Begin another
/// session after changing the model's adapter: the cache belongs to the weights that filled it. One turn at a time; disposing it frees the cache, not the model.
/// </summary>
public sealed class ChatSession : IDisposable
{
    private readonly LanguageModel model;
    private readonly TextGenerator generator;
    private readonly List<ChatMessage> messages = [];
    private readonly List<int> cached = [];
    private DecodingBatch? cache;

    /// <summary>An empty conversation.</summary>
    /// <param name="model">The model; it must have a chat template.</param>
    /// <param name="options">How answers are generated; null for the defaults: greedy, 256 tokens.</param>
    /// <param name="system">A system message, or null for what the template says itself.</param>
    /// <exception cref="GenerationException">The model has no chat template.</exception>
    public ChatSession(LanguageModel model, GenerationOptions? options = null, string? system = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.ChatTemplate is null) throw new GenerationException($"{model.Id} has no chat template, so it cannot chat. Take an instruct model, or generate from a plain prompt.");
        this.model = model;
        generator = new TextGenerator(model);
        Options = options ?? new GenerationOptions();
        if (system is not null) messages.Add(new ChatMessage("system", system));
    }

    /// <summary>How the next answer is generated.</summary>
    public GenerationOptions Options { get; set; }

    /// <summary>The conversation so far.</summary>
    public IReadOnlyList<ChatMessage> Messages => messages;

    /// <summary>Tokens of the last turn's prompt that the cache held already.</summary>
    public int ReusedTokens { get; private set; }

    /// <summary>
    /// Says something and gives the answer piece by piece. Both become part of the conversation: of an answer that was cut off, what was given; where nothing was given or
    /// something failed, neither.
    /// </summary>
    /// <param name="text">The user's message.</param>
    /// <param name="cancellation">Ends the answer within one token; the reader gets an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="GenerationException">The conversation fills the model's context: begin another session.</exception>
    public async IAsyncEnumerable<string> SendAsync(string text, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        ChatMessage[] asked = [.. messages, new ChatMessage("user", text)];
        var answer = new StringBuilder();
        try
        {
            await foreach (var piece in GenerationThread.Stream((emit, stop) => Answer(asked, emit, stop), cancellation).ConfigureAwait(false))
            {
                answer.Append(piece);
                yield return piece;
            }
        }
        finally
        {
            if (answer.Length > 0)
            {
                messages.Add(asked[^1]);
                messages.Add(new ChatMessage("assistant", answer.ToString()));
            }
        }
    }

    private void Answer(ChatMessage[] asked, Action<string> emit, CancellationToken cancellation)
    {
        Options.Validate();
        var prompt = model.EncodeChat(asked);
        generator.Check(prompt, "The conversation");
        var common = Math.Min(CollectionsMarshal.AsSpan(cached).CommonPrefixLength(prompt), prompt.Length - 1);
        cache ??= new DecodingBatch(model.Decoder, 1, Math.Min(checked((int)model.Decoder.Spec.MaxPositions), prompt.Length + 256));
        cache.Truncate(common);
        cached.RemoveRange(common, cached.Count - common);
        ReusedTokens = common;
        cancellation.ThrowIfCancellationRequested();
        cache.Append([prompt.AsMemory(common)]);
        cached.AddRange(prompt.AsSpan(common));
        var row = generator.Row(prompt, Options, continues: false);
        try
        {
            TextGenerator.Stream(cache, row, emit, cancellation);
        }
        finally
        {
            // The next prompt repeats the answer: its tokens are kept as far as they were computed.
            cached.AddRange(row.Ids.Take(cache.Lengths[0] - prompt.Length));
        }
    }

    /// <summary>Frees the cache.</summary>
    public void Dispose() => cache?.Dispose();
}
