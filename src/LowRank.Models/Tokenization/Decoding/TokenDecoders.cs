using System.Globalization;
using System.Text;
using LowRank.Models.Tokenization.Bpe;
using LowRank.Models.Tokenization.Patterns;

namespace LowRank.Models.Tokenization.Decoding;

/// <summary>Stand-ins back to bytes, and the bytes of all tokens to text; bytes that are no UTF-8 become U+FFFD.</summary>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens) AppendBytes(Encoding.UTF8.GetBytes(token), bytes);
        return [Encoding.UTF8.GetString([.. bytes])];
    }

    /// <summary>The bytes that a token stands for; those of its own text if it has a character that is not a stand-in.</summary>
    public static void AppendBytes(ReadOnlySpan<byte> token, List<byte> bytes)
    {
        Span<byte> buffer = token.Length <= 256 ? stackalloc byte[256] : new byte[token.Length];
        bytes.AddRange(ByteAlphabet.TryDecode(token, buffer, out var written) ? buffer[..written] : token);
    }
}

/// <summary>Tokens such as <c>&lt;0xE2&gt;</c> to text; a run of them that is no UTF-8 gives one U+FFFD for each.</summary>
internal sealed class ByteFallbackDecoder : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var run = new List<byte>();
        foreach (var token in tokens)
        {
            if (TryByte(token, out var value))
            {
                run.Add(value);
                continue;
            }
            Flush(run, result);
            result.Add(token);
        }
        Flush(run, result);
        return result;
    }

    private static bool TryByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static void Flush(List<byte> run, List<string> result)
    {
        if (run.Count == 0) return;
        byte[] bytes = [.. run];
        run.Clear();
        if (System.Text.Unicode.Utf8.IsValid(bytes)) result.Add(Encoding.UTF8.GetString(bytes));
        else result.AddRange(Enumerable.Repeat("\uFFFD", bytes.Length));
    }
}

/// <summary>Joins all tokens into one.</summary>
internal sealed class FuseDecoder : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens) => [string.Concat(tokens)];
}

/// <summary>Replaces the matches of a pattern in each token.</summary>
internal sealed class ReplaceDecoder(TextPattern pattern, string content) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(tokens[i]);
            var cursor = default(MatchCursor);
            var result = new StringBuilder();
            var previous = 0;
            while (cursor.Next(pattern, bytes, out var start, out var end))
            {
                result.Append(Encoding.UTF8.GetString(bytes.AsSpan(previous..start))).Append(content);
                previous = end;
            }
            if (previous > 0 || result.Length > 0) tokens[i] = result.Append(Encoding.UTF8.GetString(bytes.AsSpan(previous))).ToString();
        }
        return tokens;
    }
}

/// <summary>Takes up to so many of a character from the beginning and the end of each token.</summary>
internal sealed class StripDecoder(string content, int start, int stop) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            var token = tokens[i].AsSpan();
            for (var n = 0; n < start && token.StartsWith(content, StringComparison.Ordinal); n++) token = token[content.Length..];
            for (var n = 0; n < stop && token.EndsWith(content, StringComparison.Ordinal); n++) token = token[..^content.Length];
            if (token.Length != tokens[i].Length) tokens[i] = token.ToString();
        }
        return tokens;
    }
}

/// <summary>Marks to spaces; those of the first token vanish where a mark was put in front.</summary>
internal sealed class MetaspaceDecoder(string mark, bool prepended) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        for (var i = 0; i < tokens.Count; i++) tokens[i] = tokens[i].Replace(mark, i == 0 && prepended ? "" : " ", StringComparison.Ordinal);
        return tokens;
    }
}

/// <summary>The suffix that ends a word to a space, but for the last token.</summary>
internal sealed class BpeSuffixDecoder(string suffix) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        if (suffix.Length > 0)
            for (var i = 0; i < tokens.Count; i++) tokens[i] = tokens[i].Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal);
        return tokens;
    }
}
