using System.Text;
using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary>Filters that make text of a value.</summary>
internal static class TextFilters
{
    public static Builtin[] All { get; } =
    [
        new("string", "", (_, v, _) => Texts.IsText(v) ? v : Representation.Str(v)),
        new("trim", "chars?", (it, v, a) => Method(it, v, "strip", a)),
        new("upper", "", (it, v, a) => Method(it, v, "upper", a)),
        new("lower", "", (it, v, a) => Method(it, v, "lower", a)),
        new("capitalize", "", (it, v, a) => Method(it, v, "capitalize", a)),
        new("title", "", (_, v, _) => Texts.WithRunsOf(Soft(v), Title(Texts.Plain(Soft(v))))),
        new("center", "width?", (it, v, a) => Padding.Center(it, Soft(v), a[0] is Missing ? 80 : Numbers.ToCount(a[0]), " ")),
        new("replace", "old new count?", (it, v, a) => Splitting.Replace(it, Representation.Str(v), Texts.Plain(Representation.Str(a[0])), Representation.Str(a[1]), a[2] is Missing or null ? -1 : Numbers.ToIndex(a[2]))),
        new("format", (it, v, a) => PercentFormat.Apply(it, Soft(v), a switch
        {
            { Positional.Length: > 0, NamedCount: > 0 } => throw Errors.FilterArgument("can't handle positional and keyword arguments at the same time"),
            { NamedCount: > 0 } => a.Named,
            _ => new PyTuple(a.Positional),
        })),
        new("escape", "", (_, v, _) => Texts.IsMarkup(v) ? v : Texts.AsMarkup(Html.Escape(Representation.Str(v)))),
        new("forceescape", "", (_, v, _) => Texts.AsMarkup(Html.Escape(Representation.Str(v)))),
        new("safe", "", (_, v, _) => Texts.AsMarkup(Representation.Str(v))),
        new("striptags", "", (it, v, _) => StripTags(it, Representation.Str(v))),
        new("urlencode", "", (it, v, _) => UrlEncode(it, v)),
        new("xmlattr", "autospace?", (_, v, a) => XmlAttributes(v, a[0] is Missing || Types.IsTrue(a[0]))),
        new("indent", "width? first? blank?", Indent),
        new("truncate", "length? killwords? end? leeway?", Truncate),
        new("wordwrap", "width? break_long_words? wrapstring? break_on_hyphens?", WordWrap.Apply),
        new("wordcount", "", (_, v, _) => Types.Box(CountWords(Texts.Plain(Soft(v))))),
        new("pprint", "", (_, v, _) => PrettyPrint(v)),
    ];

    /// <summary>The value as <c>str</c>; markup stays markup.</summary>
    private static object Soft(object? value) => Texts.IsText(value) ? value! : Representation.Str(value);

    private static object? Method(Interpreter interpreter, object? value, string method, object?[] arguments)
    {
        var text = Soft(value);
        var result = TextMethods.All[method].Call(interpreter, text, new CallArguments([.. arguments.Where(a => a is not Missing)]));
        return Texts.IsMarkup(text) ? Texts.AsMarkup(result!) : result;
    }

    // Unlike str.title, a word begins only behind white space, a hyphen or an opening bracket.
    private static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        var start = true;
        foreach (var rune in text.EnumerateRunes())
        {
            var separator = rune.Value is '-' or '(' or '{' or '[' or '<' || (rune.IsBmp && Whitespace.Is((char)rune.Value));
            result.Append(separator ? rune.ToString() : start ? Casing.Upper(rune.ToString()) : Casing.Lower(rune.ToString()));
            start = separator;
        }
        return result.ToString();
    }

    private static object Indent(Interpreter interpreter, object? value, object?[] arguments)
    {
        if (!Texts.IsText(value)) throw value is Undefined u ? u.Error() : Errors.Type($"unsupported operand type(s) for +=: '{Types.NameOf(value)}' and 'str'");
        var indention = arguments[0] is Missing ? "    " : Texts.TryGet(arguments[0], out var own) ? own : new string(' ', Math.Max(0, Charged(interpreter, arguments[0])));
        var (first, blank) = (arguments[1] is not Missing && Types.IsTrue(arguments[1]), arguments[2] is not Missing && Types.IsTrue(arguments[2]));
        var builder = new TextBuilder(interpreter.Limits.OutputLength);
        if (first) builder.Append(indention);
        foreach (var (i, line) in Splitting.Lines(Texts.Concat(value!, "\n"), keepEnds: false).Index())
        {
            if (i > 0)
            {
                builder.Append('\n');
                if (blank || Texts.Plain(line!).Length > 0) builder.Append(indention);
            }
            builder.AppendText(line!);
        }
        interpreter.Charge(builder.Length);
        return builder.ToValue();
    }

    private static int Charged(Interpreter interpreter, object? width)
    {
        var count = Numbers.ToCount(width);
        interpreter.Charge(Math.Max(0, count));
        return count;
    }

    private static object? Truncate(Interpreter interpreter, object? value, object?[] arguments)
    {
        var length = arguments[0] is Missing ? 255 : Numbers.ToCount(arguments[0]);
        var end = arguments[2] is Missing ? "..." : Representation.Str(arguments[2]);
        var leeway = arguments[3] is Missing or null ? 5 : Numbers.ToCount(arguments[3]);
        var room = length - Texts.Count(Texts.Plain(end));
        if (room < 0) throw new ChatTemplateException("AssertionError", $"expected length >= {Texts.Count(Texts.Plain(end))}, got {length}");
        if (leeway < 0) throw new ChatTemplateException("AssertionError", $"expected leeway >= 0, got {leeway}");
        if (Types.Count(value) <= length + (long)leeway) return value;
        var text = Texts.IsText(value) ? value! : throw Errors.Type($"can only concatenate {Types.NameOf(value)} (not \"str\") to {Types.NameOf(value)}");
        var plain = Texts.Plain(text);
        var cut = Texts.ToUtf16(plain, room);
        if (!(arguments[1] is not Missing && Types.IsTrue(arguments[1])) && plain.AsSpan(0, cut).LastIndexOf(' ') is var space and >= 0) cut = space;
        return Texts.Concat(Texts.Slice(text, 0, cut), end);
    }

    private static long CountWords(string text)
    {
        var (count, inWord) = (0L, false);
        foreach (var rune in text.EnumerateRunes())
        {
            var word = Rune.IsLetterOrDigit(rune) || rune.Value == '_' || Casing.IsNumeric(rune);
            if (word && !inWord) count++;
            inWord = word;
        }
        return count;
    }

    private static string StripTags(Interpreter interpreter, object text)
    {
        var plain = Texts.Plain(text);
        foreach (var (open, close) in (ReadOnlySpan<(string, string)>)[("<!--", "-->"), ("<", ">")])
            for (var start = 0; (start = plain.IndexOf(open, start, StringComparison.Ordinal)) >= 0;)
            {
                interpreter.Charge(plain.Length);
                var end = plain.IndexOf(close, start, StringComparison.Ordinal);
                if (end < 0) break;
                plain = plain.Remove(start, end + close.Length - start);
            }
        var words = Splitting.Split(interpreter, plain, null, -1, fromRight: false).Items;
        return System.Net.WebUtility.HtmlDecode(string.Join(' ', words.Select(w => Texts.Plain(w!))));
    }

    private static string UrlEncode(Interpreter interpreter, object? value)
    {
        if (Texts.IsText(value) || !Iteration.IsIterable(value)) return Quote(value, query: false);
        var pairs = value is PyDict dict ? new PyDictView(dict, DictPart.Items) : value;
        return string.Join('&', Iteration.ToArray(interpreter, pairs).Select(item => Iteration.ToArray(interpreter, item) is [var key, var v]
            ? $"{Quote(key, query: true)}={Quote(v, query: true)}" : throw Errors.Value("not enough values to unpack (expected 2)")));
    }

    private static string Quote(object? value, bool query)
    {
        var result = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(Texts.Plain(Representation.Str(value))))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~' || (b == '/' && !query)) result.Append((char)b);
            else if (b == ' ' && query) result.Append('+');
            else result.Append('%').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return result.ToString();
    }

    private static object XmlAttributes(object? value, bool space)
    {
        var dict = value as PyDict ?? throw Errors.Type($"'{Types.NameOf(value)}' object has no attribute 'items'");
        var builder = new TextBuilder();
        for (var i = 0; i < dict.Count; i++)
        {
            if (dict.ValueAt(i) is null or Undefined) continue;
            var key = dict.KeyAt(i) as string ?? throw Errors.Type("expected string or bytes-like object");
            if (key.AsSpan().IndexOfAny(" \t\n\r\f\v/>=") >= 0) throw Errors.Value($"Invalid character in attribute name: {Representation.Of(key)}");
            if (space || builder.Length > 0) builder.Append(' ');
            builder.AppendText(Html.Escape(key));
            builder.Append("=\"");
            builder.AppendText(Html.Escape(Representation.Str(dict.ValueAt(i))));
            builder.Append('"');
        }
        return builder.ToValue();
    }

    // Python's pprint sorts the keys and breaks lines of more than 80 characters; what needs breaking is refused.
    private static object PrettyPrint(object? value)
    {
        var text = Representation.Build(Sorted(value));
        return Texts.Plain(text).Length <= 80 ? text : throw Errors.Unsupported("pprint of a value longer than a line", "use tojson(indent=2)");

        static object? Sorted(object? value) => value switch
        {
            PyList list => new PyList([.. list.Items.Select(Sorted)]),
            PyTuple tuple => new PyTuple([.. tuple.Items.Select(Sorted)]),
            PyDict dict => SortedDict(dict),
            _ => value,
        };

        static PyDict SortedDict(PyDict dict)
        {
            int[] order = [.. Enumerable.Range(0, dict.Count)];
            Sorting.Sort(order, i => dict.KeyAt(i));
            var sorted = new PyDict(order.Length);
            foreach (var i in order) sorted.Set(dict.KeyAt(i), Sorted(dict.ValueAt(i)));
            return sorted;
        }
    }
}
