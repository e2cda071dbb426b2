using System.Globalization;
using System.Text;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Letter case and character classes of Python's <c>str</c>.</summary>
internal static class Casing
{
    // .NET maps one character to one; Python also the few that become several in full case mapping.
    public static string Upper(string text)
    {
        var upper = text.ToUpperInvariant();
        return text.AsSpan().IndexOfAny("ßŉǰΐΰևẖẗẘẙẚﬀﬁﬂﬃﬄﬅﬆ") < 0 ? upper
            : upper.Replace("ß", "SS").Replace("ŉ", "ʼN").Replace("ǰ", "J̌").Replace("ﬀ", "FF").Replace("ﬁ", "FI").Replace("ﬂ", "FL")
                .Replace("ﬃ", "FFI").Replace("ﬄ", "FFL").Replace("ﬅ", "ST").Replace("ﬆ", "ST").Replace("և", "ԵՒ")
                .Replace("ẖ", "H̱").Replace("ẗ", "T̈").Replace("ẘ", "W̊").Replace("ẙ", "Y̊").Replace("ẚ", "Aʾ");
    }

    public static string Lower(string text)
    {
        var lower = text.ToLowerInvariant();
        if (text.Contains('İ')) lower = text.Replace("İ", "i̇").ToLowerInvariant();
        if (!text.Contains('Σ')) return lower;
        // A capital sigma at the end of a word becomes the final form.
        var result = new StringBuilder(lower);
        for (var i = 0; i < text.Length && text.Length == lower.Length; i++)
            if (text[i] == 'Σ' && i > 0 && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1]))) result[i] = 'ς';
        return result.ToString();
    }

    public static string Fold(string text) => Lower(text.Replace("ß", "ss").Replace('ς', 'σ')).Replace('ς', 'σ');

    public static string Capitalize(string text) => text.Length == 0 ? text : FirstUpper(text, out var rest) + Lower(rest);

    /// <summary><c>str.title</c>: every letter after a character that is no cased letter is in upper case.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var inWord = false;
        foreach (var rune in text.EnumerateRunes())
        {
            var s = rune.ToString();
            result.Append(inWord ? Lower(s) : UpperFirst(s));
            inWord = IsCased(rune);
        }
        return result.ToString();
    }

    public static string Swap(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            result.Append(Rune.IsUpper(rune) ? Lower(rune.ToString()) : Rune.IsLower(rune) ? Upper(rune.ToString()) : rune.ToString());
        return result.ToString();
    }

    /// <summary>Whether there are cased characters and all of them are in the wanted case.</summary>
    public static bool AllCased(string text, bool upper)
    {
        var any = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (!IsCased(rune)) continue;
            if (upper ? !Rune.IsUpper(rune) : !Rune.IsLower(rune) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.ModifierLetter) return false;
            any = true;
        }
        return any;
    }

    public static bool IsTitle(string text)
    {
        var (any, inWord) = (false, false);
        foreach (var rune in text.EnumerateRunes())
        {
            var cased = IsCased(rune);
            if (cased && (Rune.IsLower(rune) ? !inWord : inWord)) return false;
            any |= cased;
            inWord = cased;
        }
        return any;
    }

    public static bool All(string text, Func<Rune, bool> test)
    {
        foreach (var rune in text.EnumerateRunes())
            if (!test(rune)) return false;
        return text.Length > 0;
    }

    public static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(Rune rune) => IsDecimal(rune) || (rune.IsBmp && CharUnicodeInfo.GetDigitValue((char)rune.Value) >= 0);

    // The ideographs are numeric to Python and not to .NET.
    public static bool IsNumeric(Rune rune) =>
        Rune.GetNumericValue(rune) != -1 || IsDigit(rune) || (rune.IsBmp && "〇一二三四五六七八九十百千万億兆亿零壹贰叁肆伍陆柒捌玖拾佰仟萬".Contains((char)rune.Value));

    public static bool IsIdentifier(string text) =>
        text.Length > 0 && (char.IsLetter(text[0]) || text[0] == '_') && All(text, r => Rune.IsLetterOrDigit(r) || r.Value == '_'
            || Rune.GetUnicodeCategory(r) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation);

    private static string UpperFirst(string character) => character switch { "ß" => "Ss", "ﬀ" => "Ff", "ﬁ" => "Fi", "ﬂ" => "Fl", "ǆ" => "ǅ", "ǉ" => "ǈ", "ǌ" => "ǋ", _ => Upper(character) };

    private static string FirstUpper(string text, out string rest)
    {
        var length = text.Length > 1 && char.IsSurrogatePair(text, 0) ? 2 : 1;
        rest = text[length..];
        return UpperFirst(text[..length]);
    }

    private static bool IsCased(Rune rune) => Rune.IsUpper(rune) || Rune.IsLower(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;
}
