using System.Globalization;
using System.Text;

namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>The escapes of a string literal, which are Python's.</summary>
internal static class TextLiteral
{
    /// <summary>The characters that the inside of a literal stands for; null with a message where an escape is cut short.</summary>
    public static string? Unescape(ReadOnlySpan<char> body, out string? problem)
    {
        problem = null;
        if (!body.Contains('\\')) return body.ToString();
        var text = new StringBuilder(body.Length);
        for (var i = 0; i < body.Length; i++)
        {
            if (body[i] != '\\') { text.Append(body[i]); continue; }
            var c = body[++i];
            switch (c)
            {
                case '\n': break;
                case '\\' or '\'' or '"': text.Append(c); break;
                case 'a': text.Append('\a'); break;
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'n': text.Append('\n'); break;
                case 'r': text.Append('\r'); break;
                case 't': text.Append('\t'); break;
                case 'v': text.Append('\v'); break;
                case >= '0' and <= '7':
                    var (octal, end) = (0, Math.Min(i + 3, body.Length));
                    for (; i < end && body[i] is >= '0' and <= '7'; i++) octal = octal * 8 + (body[i] - '0');
                    i--;
                    text.Append((char)octal);
                    break;
                case 'x' or 'u' or 'U':
                    var length = c == 'x' ? 2 : c == 'u' ? 4 : 8;
                    if (i + length > body.Length - 1 || !int.TryParse(body.Slice(i + 1, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                    {
                        problem = c == 'x' ? @"truncated \xXX escape" : c == 'u' ? @"truncated \uXXXX escape" : @"truncated \UXXXXXXXX escape";
                        return null;
                    }
                    if (code is < 0 or > 0x10FFFF) { problem = "illegal Unicode character"; return null; }
                    if (code < 0x10000) text.Append((char)code);
                    else text.Append(char.ConvertFromUtf32(code));
                    i += length;
                    break;
                case 'N': problem = "named characters are not supported here: write the character itself"; return null;
                case > '\x7f':
                    // Jinja escapes what is not ASCII before it decodes, so that the backslash meets another backslash.
                    text.Append('\\');
                    var wide = char.IsHighSurrogate(c) && i + 1 < body.Length && char.IsLowSurrogate(body[i + 1]);
                    text.Append(Python.Representation.Escape(wide ? char.ConvertToUtf32(c, body[++i]) : c).AsSpan(1));
                    break;
                default: text.Append('\\').Append(c); break;
            }
        }
        return text.ToString();
    }
}
