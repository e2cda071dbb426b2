using System.Globalization;
using static System.Globalization.UnicodeCategory;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>The properties that <c>\p{…}</c>, <c>[[:…:]]</c> and the letter escapes name.</summary>
internal static class UnicodeProperties
{
    private static readonly Dictionary<string, uint> Categories = new(StringComparer.Ordinal)
    {
        ["l"] = Mask(UppercaseLetter, LowercaseLetter, TitlecaseLetter, ModifierLetter, OtherLetter),
        ["lu"] = Mask(UppercaseLetter),
        ["ll"] = Mask(LowercaseLetter),
        ["lt"] = Mask(TitlecaseLetter),
        ["lm"] = Mask(ModifierLetter),
        ["lo"] = Mask(OtherLetter),
        ["m"] = Mask(NonSpacingMark, SpacingCombiningMark, EnclosingMark),
        ["mn"] = Mask(NonSpacingMark),
        ["mc"] = Mask(SpacingCombiningMark),
        ["me"] = Mask(EnclosingMark),
        ["n"] = Mask(DecimalDigitNumber, LetterNumber, OtherNumber),
        ["nd"] = Mask(DecimalDigitNumber),
        ["nl"] = Mask(LetterNumber),
        ["no"] = Mask(OtherNumber),
        ["p"] = Mask(ConnectorPunctuation, DashPunctuation, OpenPunctuation, ClosePunctuation, InitialQuotePunctuation, FinalQuotePunctuation, OtherPunctuation),
        ["pc"] = Mask(ConnectorPunctuation),
        ["pd"] = Mask(DashPunctuation),
        ["ps"] = Mask(OpenPunctuation),
        ["pe"] = Mask(ClosePunctuation),
        ["pi"] = Mask(InitialQuotePunctuation),
        ["pf"] = Mask(FinalQuotePunctuation),
        ["po"] = Mask(OtherPunctuation),
        ["s"] = Mask(MathSymbol, CurrencySymbol, ModifierSymbol, OtherSymbol),
        ["sm"] = Mask(MathSymbol),
        ["sc"] = Mask(CurrencySymbol),
        ["sk"] = Mask(ModifierSymbol),
        ["so"] = Mask(OtherSymbol),
        ["z"] = Mask(SpaceSeparator, LineSeparator, ParagraphSeparator),
        ["zs"] = Mask(SpaceSeparator),
        ["zl"] = Mask(LineSeparator),
        ["zp"] = Mask(ParagraphSeparator),
        ["c"] = Mask(Control, Format, Surrogate, PrivateUse, OtherNotAssigned),
        ["cc"] = Mask(Control),
        ["cf"] = Mask(Format),
        ["cs"] = Mask(Surrogate),
        ["co"] = Mask(PrivateUse),
        ["cn"] = Mask(OtherNotAssigned),
    };

    private static readonly Dictionary<string, string> LongNames = new(StringComparer.Ordinal)
    {
        ["letter"] = "l",
        ["uppercaseletter"] = "lu",
        ["lowercaseletter"] = "ll",
        ["titlecaseletter"] = "lt",
        ["modifierletter"] = "lm",
        ["otherletter"] = "lo",
        ["mark"] = "m",
        ["combiningmark"] = "m",
        ["nonspacingmark"] = "mn",
        ["spacingmark"] = "mc",
        ["enclosingmark"] = "me",
        ["number"] = "n",
        ["decimalnumber"] = "nd",
        ["digit"] = "nd",
        ["letternumber"] = "nl",
        ["othernumber"] = "no",
        ["punctuation"] = "p",
        ["symbol"] = "s",
        ["mathsymbol"] = "sm",
        ["currencysymbol"] = "sc",
        ["modifiersymbol"] = "sk",
        ["othersymbol"] = "so",
        ["separator"] = "z",
        ["spaceseparator"] = "zs",
        ["other"] = "c",
        ["control"] = "cc",
        ["cntrl"] = "cc",
        ["format"] = "cf",
        ["privateuse"] = "co",
        ["unassigned"] = "cn",
    };

    private static readonly Dictionary<string, (int, int)[]> Scripts = new(StringComparer.Ordinal)
    {
        ["han"] =
        [
            (0x2E80, 0x2E99), (0x2E9B, 0x2EF3), (0x2F00, 0x2FD5), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B), (0x3400, 0x4DBF),
            (0x4E00, 0x9FFF), (0xF900, 0xFA6D), (0xFA70, 0xFAD9), (0x16FE2, 0x16FE3), (0x16FF0, 0x16FF1), (0x20000, 0x2A6DF), (0x2A700, 0x2B739),
            (0x2B740, 0x2B81D), (0x2B820, 0x2CEA1), (0x2CEB0, 0x2EBE0), (0x2EBF0, 0x2EE5D), (0x2F800, 0x2FA1D), (0x30000, 0x3134A), (0x31350, 0x323AF),
        ],
    };

    /// <summary>The set that a property's name means, or null when it is not known.</summary>
    public static CodePointSet? Find(string name)
    {
        var key = new string([.. name.Where(char.IsAsciiLetterOrDigit)]).ToLowerInvariant();
        if (LongNames.TryGetValue(key, out var shortName)) key = shortName;
        if (Categories.TryGetValue(key, out var mask)) return new CodePointSet().AddCategories(mask);
        if (Scripts.TryGetValue(key, out var ranges)) return ranges.Aggregate(new CodePointSet(), (set, r) => set.Add(r.Item1, r.Item2));
        return key switch
        {
            "any" => new CodePointSet().Add(0, 0x10FFFF),
            "ascii" => new CodePointSet().Add(0, 0x7F),
            "space" or "whitespace" => WhiteSpace(),
            "word" => Word(),
            "alpha" or "alphabetic" => Alphabetic(),
            "alnum" => Alphabetic().AddCategories(Categories["nd"]),
            "upper" => new CodePointSet().AddCategories(Categories["lu"]).Add(0x2160, 0x216F).Add(0x24B6, 0x24CF),
            "lower" => new CodePointSet().AddCategories(Categories["ll"]).Add(0x2170, 0x217F).Add(0x24D0, 0x24E9).Add(0xAA, 0xAA).Add(0xBA, 0xBA),
            "punct" => new CodePointSet().AddCategories(Categories["p"] | Categories["s"]).IntersectWith(PunctuationOrAsciiSymbol()),
            "blank" => new CodePointSet().AddCategories(Categories["zs"]).Add('\t', '\t'),
            "xdigit" => HexDigit(),
            _ => null,
        };
    }

    /// <summary><c>\s</c>.</summary>
    public static CodePointSet WhiteSpace() => new CodePointSet().AddWhiteSpace();

    /// <summary><c>\d</c>.</summary>
    public static CodePointSet Digit() => new CodePointSet().AddCategories(Categories["nd"]);

    /// <summary><c>\w</c>.</summary>
    public static CodePointSet Word() => Alphabetic().AddCategories(Categories["m"] | Categories["nd"] | Categories["pc"]);

    /// <summary><c>\h</c>.</summary>
    public static CodePointSet HexDigit() => new CodePointSet().Add('0', '9').Add('a', 'f').Add('A', 'F');

    private static CodePointSet Alphabetic() => new CodePointSet().AddCategories(Categories["l"] | Categories["nl"])
        .Add(0x24B6, 0x24E9).Add(0x1F130, 0x1F149).Add(0x1F150, 0x1F169).Add(0x1F170, 0x1F189);

    private static CodePointSet PunctuationOrAsciiSymbol() => new CodePointSet().AddCategories(Categories["p"]).Add(0, 0x7F);

    private static uint Mask(params ReadOnlySpan<UnicodeCategory> categories)
    {
        var mask = 0u;
        foreach (var c in categories) mask |= 1u << (int)c;
        return mask;
    }
}
