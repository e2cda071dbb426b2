using System.Globalization;
using System.Text;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>Reads bracketed character classes and the escapes that stand for characters or sets of them.</summary>
internal static class CharacterClassParser
{
    /// <summary>Reads a class whose opening bracket has been taken.</summary>
    public static CodePointSet Parse(RegexCursor at, bool ignoreCase) => Body(at, ignoreCase).Freeze();

    /// <summary>Reads <c>\p{…}</c>, <c>\s</c> and the like after the backslash, or takes nothing and gives null.</summary>
    public static CodePointSet? TryClassEscape(RegexCursor at)
    {
        switch (at.Peek)
        {
            case 's': at.Take(); return UnicodeProperties.WhiteSpace();
            case 'S': at.Take(); return Not(UnicodeProperties.WhiteSpace());
            case 'd': at.Take(); return UnicodeProperties.Digit();
            case 'D': at.Take(); return Not(UnicodeProperties.Digit());
            case 'w': at.Take(); return UnicodeProperties.Word();
            case 'W': at.Take(); return Not(UnicodeProperties.Word());
            case 'h': at.Take(); return UnicodeProperties.HexDigit();
            case 'H': at.Take(); return Not(UnicodeProperties.HexDigit());
            case 'p' or 'P':
                var negated = at.Take() == 'P';
                at.Expect('{');
                negated ^= at.TryTake('^');
                var close = at.Pattern.IndexOf('}', at.Position);
                if (close < 0) throw at.Invalid("an unclosed \\p{");
                var name = at.Pattern[at.Position..close];
                var set = UnicodeProperties.Find(name) ?? throw at.Unsupported($"\\p{{{name}}}");
                at.Position = close + 1;
                return negated ? Not(set) : set;
            default: return null;
        }
    }

    /// <summary>Reads the escape of one character after the backslash.</summary>
    public static int CharacterEscape(RegexCursor at)
    {
        var c = at.Take();
        switch (c)
        {
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1B;
            case 'x': return at.TryTake('{') ? Hex(at, at.Pattern.IndexOf('}', at.Position), skip: 1) : Hex(at, at.Position + 2, skip: 0);
            case 'u': return Hex(at, at.Position + 4, skip: 0);
            case '0': return 0;
        }
        if (c < 128 && char.IsAsciiLetterOrDigit((char)c)) throw at.Unsupported($"\\{new Rune(c)}");
        return c;
    }

    private static CodePointSet Body(RegexCursor at, bool ignoreCase)
    {
        var whole = new CodePointSet { Negated = at.TryTake('^') };
        var part = new CodePointSet();
        var parts = new List<CodePointSet> { part };
        var first = true;
        while (first && at.Peek == ']' || !at.TryTake(']'))
        {
            first = false;
            if (at.TryTake("&&")) parts.Add(part = new CodePointSet());
            else if (at.LooksAt("[:") && Posix(at) is { } posix) part.Add(posix);
            else if (at.TryTake('[')) part.Add(Body(at, ignoreCase));
            else Item(at, part, ignoreCase);
        }
        whole.Add(parts[0]);
        foreach (var other in parts.Skip(1)) whole.IntersectWith(other);
        return whole;
    }

    private static void Item(RegexCursor at, CodePointSet part, bool ignoreCase)
    {
        if (at.Peek == '\\')
        {
            at.Take();
            if (TryClassEscape(at) is { } set)
            {
                part.Add(set);
                return;
            }
            at.Position--;
        }
        var low = Character(at);
        var high = low;
        if (at.LooksAt("-") && !at.LooksAt("-]"))
        {
            var dash = at.Position;
            at.Take();
            if (at.LooksAt("[") || at.LooksAt("\\p") || at.LooksAt("\\s") || at.LooksAt("\\w") || at.LooksAt("\\d")) at.Position = dash;
            else high = Character(at);
        }
        if (high < low) throw at.Invalid("a range that runs backwards");
        part.Add(low, high);
        if (ignoreCase)
            for (var c = low; c <= high; c++) CaseVariants.AddTo(part, c);
    }

    private static int Character(RegexCursor at)
    {
        var c = at.Take();
        return c != '\\' ? c : at.TryTake('b') ? '\b' : CharacterEscape(at);
    }

    private static CodePointSet? Posix(RegexCursor at)
    {
        var close = at.Pattern.IndexOf(":]", at.Position, StringComparison.Ordinal);
        if (close < 0) return null;
        var name = at.Pattern[(at.Position + 2)..close];
        var negated = name.StartsWith('^');
        var set = UnicodeProperties.Find(name);
        if (set is null) return null;
        at.Position = close + 2;
        return negated ? Not(set) : set;
    }

    private static CodePointSet Not(CodePointSet set)
    {
        set.Negated = true;
        return set;
    }

    private static int Hex(RegexCursor at, int end, int skip)
    {
        if (end < 0 || end > at.Pattern.Length || !int.TryParse(at.Pattern.AsSpan(at.Position..end), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw at.Invalid("a hexadecimal escape that cannot be read");
        at.Position = end + skip;
        return value;
    }
}
