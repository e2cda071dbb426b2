using System.Text;

namespace LowRank.Models.Generation;

/// <summary>One text while it is generated: its tokens so far, how the next is chosen, and whether it is at its end.</summary>
internal sealed class GeneratedRow
{
    private readonly LanguageModel model;
    private readonly int promptLength;
    private readonly int limit;
    private readonly TokenChooser chooser;
    private readonly TextStream? stream;
    private readonly StringBuilder text = new();
    private readonly List<int> ids = [];

    /// <param name="model">The model.</param>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="options">The settings.</param>
    /// <param name="limit">The most tokens of this row.</param>
    /// <param name="chooser">Chooses its tokens.</param>
    /// <param name="stream">Makes text token by token; null decodes the whole at the end, which is cheaper.</param>
    public GeneratedRow(LanguageModel model, int[] prompt, GenerationOptions options, int limit, TokenChooser chooser, TextStream? stream)
    {
        (this.model, promptLength, this.limit, this.chooser, this.stream) = (model, prompt.Length, Math.Min(limit, options.MaxNewTokens), chooser, stream);
    }

    /// <summary>The tokens so far.</summary>
    public IReadOnlyList<int> Ids => ids;

    /// <summary>Why the row ended, or null while it goes on.</summary>
    public FinishReason? Finish { get; private set; }

    /// <summary>Chooses the next token, and gives the text that it completes; without a stream always an empty one.</summary>
    public string Advance(Span<float> logits)
    {
        var id = chooser.Choose(logits);
        ids.Add(id);
        if (model.EndTokens.Contains(id))
        {
            Finish = FinishReason.EndToken;
            return Append(stream?.Rest());
        }
        var certain = Append(stream?.Next(id));
        if (stream is { IsStopped: true }) Finish = FinishReason.StopText;
        else if (ids.Count >= limit) Finish = FinishReason.Length;
        else if (promptLength + ids.Count >= model.Decoder.Spec.MaxPositions) Finish = FinishReason.ContextFull;
        return Finish is null ? certain : certain + Append(stream?.Rest());
    }

    /// <summary>The whole result.</summary>
    public GeneratedText Result() => new([.. ids], stream is null ? model.Tokenizer.Decode(Spoken(), skipSpecialTokens: true) : text.ToString(), Finish!.Value);

    // An end token ends the text without being part of it, also where the tokenizer does not call it special.
    private int[] Spoken() => Finish == FinishReason.EndToken ? [.. ids[..^1]] : [.. ids];

    private string Append(string? piece)
    {
        text.Append(piece);
        return piece ?? "";
    }
}
