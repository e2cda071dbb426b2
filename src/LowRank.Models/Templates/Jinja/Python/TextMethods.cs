using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>The methods of Python's <c>str</c>.</summary>
internal static class TextMethods
{
    public static Dictionary<string, Builtin> All { get; } = Build();

    private static Dictionary<string, Builtin> Build()
    {
        var all = new Dictionary<string, Builtin>(StringComparer.Ordinal);
        void Add(string name, string parameters, Builtin.Body body) =>
            all[name] = new Builtin($"str.{name}", parameters, body) { PositionalOnly = name is not ("split" or "rsplit" or "splitlines" or "expandtabs") };
        void Change(string name, Func<string, string> change) =>
            Add(name, "", (_, self, _) => Texts.WithRunsOf(self!, change(Texts.Plain(self!))));
        void Ask(string name, Func<string, bool> test) => Add(name, "", (_, self, _) => Types.Box(test(Texts.Plain(self!))));

        Change("upper", Casing.Upper);
        Change("lower", Casing.Lower);
        Change("casefold", Casing.Fold);
        Change("capitalize", Casing.Capitalize);
        Change("title", Casing.Title);
        Change("swapcase", Casing.Swap);
        Ask("isupper", t => Casing.AllCased(t, upper: true));
        Ask("islower", t => Casing.AllCased(t, upper: false));
        Ask("istitle", Casing.IsTitle);
        Ask("isspace", t => t.Length > 0 && t.All(Whitespace.Is));
        Ask("isalpha", t => Casing.All(t, System.Text.Rune.IsLetter));
        Ask("isalnum", t => Casing.All(t, r => System.Text.Rune.IsLetter(r) || Casing.IsNumeric(r)));
        Ask("isdecimal", t => Casing.All(t, Casing.IsDecimal));
        Ask("isdigit", t => Casing.All(t, Casing.IsDigit));
        Ask("isnumeric", t => Casing.All(t, Casing.IsNumeric));
        Ask("isidentifier", Casing.IsIdentifier);
        Ask("isascii", t => System.Text.Ascii.IsValid(t));
        Ask("isprintable", t => t.Length == 0 || Casing.All(t, r => Representation.IsPrintable(r.Value)));

        Add("strip", "chars?", (_, self, a) => Strip(self!, a[0], true, true));
        Add("lstrip", "chars?", (_, self, a) => Strip(self!, a[0], true, false));
        Add("rstrip", "chars?", (_, self, a) => Strip(self!, a[0], false, true));
        Add("removeprefix", "prefix", (_, self, a) => Cut(self!, Text(a[0], "removeprefix() argument"), prefix: true));
        Add("removesuffix", "suffix", (_, self, a) => Cut(self!, Text(a[0], "removesuffix() argument"), prefix: false));
        Add("split", "sep? maxsplit?", (it, self, a) => Splitting.Split(it, self!, Separator(a[0]), Limit(a[1]), fromRight: false));
        Add("rsplit", "sep? maxsplit?", (it, self, a) => Splitting.Split(it, self!, Separator(a[0]), Limit(a[1]), fromRight: true));
        Add("splitlines", "keepends?", (_, self, a) => PyList.Of(Splitting.Lines(self!, a[0] is not Missing && Types.IsTrue(a[0]))));
        Add("partition", "sep", (_, self, a) => Splitting.Partition(self!, Require(a[0], "must be str"), fromRight: false));
        Add("rpartition", "sep", (_, self, a) => Splitting.Partition(self!, Require(a[0], "must be str"), fromRight: true));
        Add("replace", "old new count?", (it, self, a) => Splitting.Replace(it, self!, Text(a[0], "replace() argument 1"), Require(a[1], "replace() argument 2 must be str"), Limit(a[2])));
        Add("join", "iterable", Join);
        Add("startswith", "prefix start? end?", (_, self, a) => Types.Box(Affix(self!, a, start: true)));
        Add("endswith", "suffix start? end?", (_, self, a) => Types.Box(Affix(self!, a, start: false)));
        Add("find", "sub start? end?", (_, self, a) => Types.Box(Find(self!, a, last: false)));
        Add("rfind", "sub start? end?", (_, self, a) => Types.Box(Find(self!, a, last: true)));
        Add("index", "sub start? end?", (_, self, a) => Find(self!, a, last: false) is var at and >= 0 ? Types.Box(at) : throw Errors.Value("substring not found"));
        Add("rindex", "sub start? end?", (_, self, a) => Find(self!, a, last: true) is var at and >= 0 ? Types.Box(at) : throw Errors.Value("substring not found"));
        Add("count", "sub start? end?", (_, self, a) => Types.Box(Count(self!, a)));
        Add("center", "width fillchar?", (it, self, a) => Padding.Center(it, self!, Numbers.ToCount(a[0]), Fill(a[1])));
        Add("ljust", "width fillchar?", (it, self, a) => Padding.Pad(it, self!, 0, Numbers.ToCount(a[0]) - Texts.Count(Texts.Plain(self!)), Fill(a[1])));
        Add("rjust", "width fillchar?", (it, self, a) => Padding.Pad(it, self!, Numbers.ToCount(a[0]) - Texts.Count(Texts.Plain(self!)), 0, Fill(a[1])));
        Add("zfill", "width", (it, self, a) => Padding.ZeroFill(it, self!, Numbers.ToCount(a[0])));
        Add("expandtabs", "tabsize?", (it, self, a) => Padding.ExpandTabs(it, self!, a[0] is Missing ? 8 : Numbers.ToCount(a[0])));
        all["format"] = new Builtin("str.format", (it, self, a) => BraceFormat.Apply(it, self!, a.Positional, a.Named));
        Add("format_map", "mapping", (it, self, a) => BraceFormat.Apply(it, self!, [], a[0] as PyDict ?? throw Errors.Type("format_map() argument must be a mapping")));
        Add("encode", "encoding? errors?", (_, _, _) => throw Errors.Unsupported("str.encode", "templates here have no bytes"));
        Add("translate", "table", (_, _, _) => throw Errors.Unsupported("str.translate", "use replace"));
        Add("maketrans", "x y? z?", (_, _, _) => throw Errors.Unsupported("str.maketrans", "use replace"));
        return all;
    }

    private static object Strip(object self, object? characters, bool left, bool right)
    {
        var set = characters is null or Missing ? null : Text(characters, "strip arg", "must be None or str");
        var (start, length) = Whitespace.Strip(Texts.Plain(self), set, left, right);
        return Texts.Slice(self, start, length);
    }

    private static object Cut(object self, string affix, bool prefix)
    {
        var plain = Texts.Plain(self);
        if (affix.Length == 0 || !(prefix ? plain.StartsWith(affix, StringComparison.Ordinal) : plain.EndsWith(affix, StringComparison.Ordinal))) return self;
        return Texts.Slice(self, prefix ? affix.Length : 0, plain.Length - affix.Length);
    }

    private static object Join(Interpreter interpreter, object? self, object?[] arguments)
    {
        var items = Iteration.IsIterable(arguments[0]) ? Iteration.ToArray(interpreter, arguments[0]) : throw Errors.Type("can only join an iterable");
        for (var i = 0; i < items.Length; i++)
            if (!Texts.IsText(items[i])) throw Errors.Type($"sequence item {i}: expected str instance, {Types.NameOf(items[i])} found");
        return Splitting.Join(interpreter, self!, items!);
    }

    private static bool Affix(object self, object?[] arguments, bool start)
    {
        var name = start ? "startswith" : "endswith";
        var (from, to) = Range(self, arguments);
        if (from > to) return false;
        var part = Texts.Plain(self).AsSpan(from, to - from);
        foreach (var affix in arguments[0] is PyTuple tuple ? tuple.Items : [arguments[0]])
        {
            if (!Texts.TryGet(affix, out var text))
                throw arguments[0] is Undefined u ? Errors.Type($"{name} first arg must be str or a tuple of str, not {Types.NameOf(u)}")
                    : arguments[0] is PyTuple ? Errors.Type($"tuple for {name} must only contain str, not {Types.NameOf(affix)}")
                    : Errors.Type($"{name} first arg must be str or a tuple of str, not {Types.NameOf(affix)}");
            if (start ? part.StartsWith(text, StringComparison.Ordinal) : part.EndsWith(text, StringComparison.Ordinal)) return true;
        }
        return false;
    }

    private static long Find(object self, object?[] arguments, bool last)
    {
        var (from, to) = Range(self, arguments);
        if (from > to) return -1;
        var plain = Texts.Plain(self);
        var part = plain.AsSpan(from, to - from);
        var sought = Text(arguments[0], null);
        var at = last ? (sought.Length == 0 ? part.Length : part.LastIndexOf(sought)) : part.IndexOf(sought);
        return at < 0 ? -1 : Texts.ToCodePoint(plain, from + at);
    }

    private static long Count(object self, object?[] arguments)
    {
        var (from, to) = Range(self, arguments);
        if (from > to) return 0;
        var part = Texts.Plain(self).Substring(from, to - from);
        var sought = Text(arguments[0], null);
        if (sought.Length == 0) return Texts.Count(part) + 1;
        var count = 0;
        for (var i = 0; (i = part.IndexOf(sought, i, StringComparison.Ordinal)) >= 0; i += sought.Length) count++;
        return count;
    }

    /// <summary>The optional start and end arguments, as UTF-16 offsets; start behind the text is left there, where nothing is found.</summary>
    private static (int From, int To) Range(object self, object?[] arguments)
    {
        var plain = Texts.Plain(self);
        if (arguments[1] is null or Missing && arguments[2] is null or Missing) return (0, plain.Length);
        var count = Texts.Count(plain);
        var from = Position(arguments[1], 0);
        var to = Math.Min(Position(arguments[2], count), count);
        return from > count ? (1, 0) : (Texts.ToUtf16(plain, (int)from), Texts.ToUtf16(plain, (int)to));

        long Position(object? argument, long absent)
        {
            if (argument is null or Missing) return absent;
            var index = Numbers.IsInteger(argument) ? Numbers.ToIndex(argument) : throw Errors.Type("slice indices must be integers or None or have an __index__ method");
            return index < 0 ? Math.Max(0, index + count) : index;
        }
    }

    private static string? Separator(object? argument) => argument is null or Missing ? null : Text(argument, "must be str or None, not " + Types.NameOf(argument), "");

    private static long Limit(object? argument) => argument is Missing ? -1 : Numbers.ToIndex(argument);

    private static string Fill(object? argument)
    {
        if (argument is Missing) return " ";
        var fill = Text(argument, "The fill character", $"must be a unicode character, not {Types.NameOf(argument)}");
        return Texts.Count(fill) == 1 ? fill : throw Errors.Type("The fill character must be exactly one character long");
    }

    private static object Require(object? argument, string message) => Texts.IsText(argument) ? argument! : throw Errors.Type($"{message}, not {Types.NameOf(argument)}");

    private static string Text(object? argument, string? what, string? rule = null) =>
        Texts.TryGet(argument, out var text) ? text
        : throw Errors.Type(what is null ? $"must be str, not {Types.NameOf(argument)}" : rule is null ? $"{what} must be str, not {Types.NameOf(argument)}" : $"{what} {rule}".TrimEnd());
}
