using System.Globalization;
using System.Numerics;
using System.Text;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's <c>str()</c> and <c>repr()</c>.</summary>
internal static class Representation
{
    /// <summary><c>str(value)</c>: a plain string or traced text.</summary>
    public static object Str(object? value) => value switch
    {
        string or TracedText { Markup: false } => value,
        TracedText traced => traced.Runs.Length == 0 ? traced.Text : new TracedText(traced.Text, traced.Runs),
        null => "None",
        bool b => b ? "True" : "False",
        long l => l.ToString(CultureInfo.InvariantCulture),
        Undefined => "",
        _ => Build(value),
    };

    /// <summary><c>repr(value)</c> without runs, for messages.</summary>
    public static string Of(object? value) => Texts.Plain(Build(value));

    /// <summary><c>repr(value)</c>.</summary>
    public static object Build(object? value)
    {
        var builder = new TextBuilder();
        Append(builder, value);
        return builder.ToValue();
    }

    public static void Append(TextBuilder builder, object? value)
    {
        using var level = Nesting.Enter();
        switch (value)
        {
            case null: builder.Append("None"); break;
            case bool b: builder.Append(b ? "True" : "False"); break;
            case long l: builder.Append(l.ToString(CultureInfo.InvariantCulture)); break;
            case BigInteger big: builder.Append(Numbers.Digits(big)); break;
            case double d: builder.Append(Numbers.Format(d)); break;
            case TracedText { Markup: true } markup:
                builder.Append("Markup(");
                AppendQuoted(builder, markup);
                builder.Append(')');
                break;
            case string or TracedText: AppendQuoted(builder, value); break;
            case PyList list: AppendItems(builder, '[', list.Items, ']'); break;
            case PyTuple tuple: AppendItems(builder, '(', tuple.Items, ')', trailing: tuple.Count == 1); break;
            case PyDict dict: AppendDict(builder, dict); break;
            case PyRange range:
                builder.Append(string.Create(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}{(range.Step == 1 ? "" : $", {range.Step}")})"));
                break;
            case PyDictView view:
                builder.Append(Types.NameOf(view));
                builder.Append('(');
                AppendItems(builder, '[', [.. Enumerable.Range(0, view.Dict.Count).Select(i => view[i])], ']');
                builder.Append(')');
                break;
            case PyNamespace space:
                builder.Append("<Namespace ");
                AppendDict(builder, space.Attributes);
                builder.Append('>');
                break;
            case Undefined: builder.Append("Undefined"); break;
            case LoopContext loop:
                builder.Append(string.Create(CultureInfo.InvariantCulture, $"<LoopContext {loop.Index0 + 1}/{loop.CountAll()}>"));
                break;
            case MacroFunction macro: builder.Append(macro.Name is null ? "<Macro anonymous>" : $"<Macro {Of(macro.Name)}>"); break;
            case BoundFunction { Self: null } function: builder.Append($"<function {function.Function.Name}>"); break;
            case BoundFunction function: builder.Append($"<built-in method {function.Function.Name} of {Types.NameOf(function.Self)} object>"); break;
            default: builder.Append($"<{Types.NameOf(value)} object>"); break;
        }
    }

    private static void AppendItems(TextBuilder builder, char open, object?[] items, char close, bool trailing = false)
    {
        builder.Append(open);
        for (var i = 0; i < items.Length; i++)
        {
            if (i > 0) builder.Append(", ");
            Append(builder, items[i]);
        }
        if (trailing) builder.Append(',');
        builder.Append(close);
    }

    private static void AppendDict(TextBuilder builder, PyDict dict)
    {
        builder.Append('{');
        for (var i = 0; i < dict.Count; i++)
        {
            if (i > 0) builder.Append(", ");
            Append(builder, dict.KeyAt(i));
            builder.Append(": ");
            Append(builder, dict.ValueAt(i));
        }
        builder.Append('}');
    }

    private static void AppendQuoted(TextBuilder builder, object text)
    {
        var plain = Texts.Plain(text);
        var quote = plain.Contains('\'') && !plain.Contains('"') ? '"' : '\'';
        var start = builder.Length;
        builder.Append(quote);
        for (var i = 0; i < plain.Length; i++)
        {
            var c = plain[i];
            if (c == quote || c == '\\') { builder.Append('\\'); builder.Append(c); }
            else if (c is >= ' ' and < '\x7f') builder.Append(c);
            else if (c is '\n' or '\r' or '\t') { builder.Append('\\'); builder.Append(c switch { '\n' => 'n', '\r' => 'r', _ => 't' }); }
            else
            {
                var pair = char.IsHighSurrogate(c) && i + 1 < plain.Length && char.IsLowSurrogate(plain[i + 1]);
                var code = pair ? char.ConvertToUtf32(c, plain[i + 1]) : c;
                if (IsPrintable(code)) builder.Append(plain.AsSpan(i, pair ? 2 : 1));
                else builder.Append(Escape(code));
                if (pair) i++;
            }
        }
        builder.Append(quote);
        if (text is not TracedText traced) return;
        foreach (var origin in traced.Runs.DistinctBy(r => (r.Message, r.Field))) builder.Mark(start, origin.Message, origin.Field);
    }

    public static string Escape(int code) =>
        code < 0x100 ? string.Create(CultureInfo.InvariantCulture, $"\\x{code:x2}")
        : code < 0x10000 ? string.Create(CultureInfo.InvariantCulture, $"\\u{code:x4}")
        : string.Create(CultureInfo.InvariantCulture, $"\\U{code:x8}");

    /// <summary>Python's <c>isprintable</c> of one code point.</summary>
    public static bool IsPrintable(int code) =>
        code == ' ' || (code is < 0xD800 or > 0xDFFF && Rune.GetUnicodeCategory(new Rune(code)) is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator));
}
