using System.Runtime.InteropServices;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Generation;

/// <summary>
/// Turns ids into text as they come, and watches for stop texts: what could be the beginning of one is held back until it is certain.
/// </summary>
internal sealed class TextStream
{
    /// <summary>So many ids before the first are enough for a decoder to know whether a word goes on.</summary>
    private const int ContextTokens = 8;

    private readonly Tokenizer tokenizer;
    private readonly StreamingDecoder decoder;
    private readonly IReadOnlyList<string> stops;
    private readonly List<int> unshown = [];
    private string held = "";

    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="stops">The stop texts.</param>
    /// <param name="context">What the text continues; empty for a text of its own, which begins without the space that SentencePiece-like tokenizers put before words.</param>
    public TextStream(Tokenizer tokenizer, IReadOnlyList<string> stops, ReadOnlySpan<int> context)
    {
        (this.tokenizer, this.stops) = (tokenizer, stops);
        decoder = tokenizer.CreateStreamingDecoder(skipSpecialTokens: true);
        foreach (var id in context[Math.Max(0, context.Length - ContextTokens)..]) decoder.Next(id);
    }

    /// <summary>A stop text was met; the text is at its end.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Takes an id and gives the text that is certain now; it may be empty.</summary>
    public string Next(int id)
    {
        unshown.Add(id);
        if (decoder.Next(id) is not { } piece) return "";
        unshown.Clear();
        if (stops.Count == 0) return piece;
        held += piece;
        var end = held.Length;
        foreach (var stop in stops)
            if (held.IndexOf(stop, StringComparison.Ordinal) is >= 0 and var at && at < end) (end, IsStopped) = (at, true);
        if (!IsStopped) end -= HeldBack();
        var certain = held[..end];
        held = IsStopped ? "" : held[end..];
        return certain;
    }

    /// <summary>What is left when no more ids come: text held back, and the replacement character for an unfinished one.</summary>
    public string Rest() => IsStopped ? "" : held + (unshown.Count == 0 ? "" : tokenizer.Decode(CollectionsMarshal.AsSpan(unshown), skipSpecialTokens: true));

    // The longest end of the text that begins a stop text.
    private int HeldBack()
    {
        var longest = 0;
        foreach (var stop in stops)
            for (var n = Math.Min(stop.Length - 1, held.Length); n > longest; n--)
                if (held.AsSpan(held.Length - n).SequenceEqual(stop.AsSpan(0, n))) longest = n;
        return longest;
    }
}
