using LowRank.Models.Tokenization.Patterns;
using LowRank.Models.Tokenization.PreTokenization;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Builds the <c>pre_tokenizer</c>.</summary>
internal sealed class PreTokenizerReader(bool modelTakesRawBytes)
{
    /// <summary>Whether what was built leaves raw bytes for the model.</summary>
    public bool RawBytes { get; private set; }

    /// <summary>Whether what was built asks where in the original a piece began.</summary>
    public bool NeedsOriginalPlaces { get; private set; }

    /// <summary>Builds it, or refuses it by name. <paramref name="isLast"/>: nothing comes between it and the model.</summary>
    public PreTokenizer Read(JsonPart part, bool isLast = true) => part.Type switch
    {
        "Sequence" => Sequence(part, isLast),
        "ByteLevel" => ByteLevel(part, isLast),
        "Split" => new SplitPreTokenizer(PatternReader.Read(part), Behavior(part), part.Flag("invert", false)),
        "Digits" => Split(CodePoint.IsNumber, part.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Metaspace" => Metaspace(part),
        "Whitespace" => new SplitPreTokenizer(new Patterns.Regex.RegexPattern(@"[\w\x{200C}\x{200D}]+|[^\w\x{200C}\x{200D}\s]+", part.Source), SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => Split(CodePoint.IsWhiteSpace, SplitBehavior.Removed),
        "Punctuation" => Split(CodePoint.IsPunctuation, part.OptionalString("behavior") is null ? SplitBehavior.Isolated : Behavior(part)),
        "BertPreTokenizer" => new PreTokenizerSequence([Split(CodePoint.IsWhiteSpace, SplitBehavior.Removed), Split(CodePoint.IsPunctuation, SplitBehavior.Isolated)]),
        "CharDelimiterSplit" => new SplitPreTokenizer(TextPatterns.FromLiteral(part.String("delimiter"), part.Source), SplitBehavior.Removed, invert: false),
        "FixedLength" => new FixedLengthPreTokenizer(part.Integer("length", 5, least: 1)),
        var type => throw part.Unsupported($"pre-tokenizer {type}"),
    };

    private static SplitPreTokenizer Split(Func<int, bool> test, SplitBehavior behavior) => new(new CodePointPattern(test), behavior, invert: false);

    private static SplitBehavior Behavior(JsonPart part) =>
        Enum.TryParse<SplitBehavior>(part.String("behavior"), out var behavior) ? behavior
        : throw part.Missing("behavior", "one of " + string.Join(", ", Enum.GetNames<SplitBehavior>()));

    private PreTokenizerSequence Sequence(JsonPart part, bool isLast)
    {
        var parts = part.List("pretokenizers");
        return new PreTokenizerSequence([.. parts.Select((p, i) => Read(p, isLast && i == parts.Count - 1))]);
    }

    private ByteLevelPreTokenizer ByteLevel(JsonPart part, bool isLast)
    {
        var raw = isLast && modelTakesRawBytes;
        RawBytes |= raw;
        return new ByteLevelPreTokenizer(part.Flag("add_prefix_space"), part.Flag("use_regex", true), raw);
    }

    private MetaspacePreTokenizer Metaspace(JsonPart part)
    {
        var (mark, scheme) = MetaspaceOptions.Read(part);
        NeedsOriginalPlaces |= scheme == PrependScheme.First;
        return new MetaspacePreTokenizer(mark, scheme, part.Flag("split", true));
    }
}

/// <summary>What the Metaspace pre-tokenizer and decoder have in common.</summary>
internal static class MetaspaceOptions
{
    /// <summary>The mark and when it is put in front; older files say the latter by <c>add_prefix_space</c>.</summary>
    public static (string Mark, PrependScheme Scheme) Read(JsonPart part)
    {
        var scheme = part.OptionalString("prepend_scheme") switch
        {
            null or "always" => PrependScheme.Always,
            "never" => PrependScheme.Never,
            "first" => PrependScheme.First,
            _ => throw part.Missing("prepend_scheme", "always, never or first"),
        };
        if (!part.Flag("add_prefix_space", true))
        {
            if (part.OptionalString("prepend_scheme") is not (null or "never")) throw part.Missing("prepend_scheme", "never where add_prefix_space is false");
            scheme = PrependScheme.Never;
        }
        var mark = part.String("replacement");
        // One character in tokenizers too: nothing could not be found again.
        return mark.EnumerateRunes().Count() == 1 ? (mark, scheme) : throw part.Missing("replacement", "one character");
    }
}
