using System.Globalization;
using System.Numerics;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's <c>json.dumps</c>, with the arguments that the <c>tojson</c> filter of transformers passes on.</summary>
internal sealed class JsonDump
{
    private readonly TextBuilder _builder = new();
    private readonly bool _asciiOnly;
    private readonly bool _sortKeys;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    public JsonDump(bool asciiOnly, object? indent, object? separators, bool sortKeys)
    {
        _asciiOnly = asciiOnly;
        _sortKeys = sortKeys;
        _indent = indent is null ? null : Texts.TryGet(indent, out var text) ? text : new string(' ', Math.Clamp(Numbers.ToCount(indent), 0, 1000));
        (_itemSeparator, _keySeparator) = (_indent is null ? ", " : ",", ": ");
        if (separators is null) return;
        if (separators is not PySequence { Count: 2 } pair || !Texts.TryGet(pair.Items[0], out var item) || !Texts.TryGet(pair.Items[1], out var key))
            throw Errors.Value("separators must be a pair of strings");
        (_itemSeparator, _keySeparator) = (item, key);
    }

    public object Write(object? value)
    {
        Append(value, 0);
        return _builder.ToValue();
    }

    private void Append(object? value, int depth)
    {
        using var level = Nesting.Enter();
        switch (value)
        {
            case null: _builder.Append("null"); break;
            case bool b: _builder.Append(b ? "true" : "false"); break;
            case long l: _builder.Append(l.ToString(CultureInfo.InvariantCulture)); break;
            case BigInteger big: _builder.Append(Numbers.Digits(big)); break;
            case double d: _builder.Append(Number(d)); break;
            case string or TracedText: AppendText(value); break;
            case PySequence { Count: 0 }: _builder.Append("[]"); break;
            case PySequence sequence:
                _builder.Append('[');
                for (var i = 0; i < sequence.Count; i++)
                {
                    Separate(i > 0, depth + 1);
                    Append(sequence.Items[i], depth + 1);
                }
                NewLine(depth);
                _builder.Append(']');
                break;
            case PyDict { Count: 0 }: _builder.Append("{}"); break;
            case PyDict dict: AppendDict(dict, depth); break;
            default: throw Errors.Type($"Object of type {Types.NameOf(value)} is not JSON serializable");
        }
    }

    private void AppendDict(PyDict dict, int depth)
    {
        var order = new int[dict.Count];
        for (var i = 0; i < order.Length; i++) order[i] = i;
        if (_sortKeys) Sorting.Sort(order, i => dict.KeyAt(i));
        _builder.Append('{');
        for (var i = 0; i < order.Length; i++)
        {
            Separate(i > 0, depth + 1);
            AppendText(dict.KeyAt(order[i]) switch
            {
                string key => key,
                null => "null",
                bool b => b ? "true" : "false",
                double d => Number(d),
                long or BigInteger => Representation.Of(dict.KeyAt(order[i])),
                var other => throw Errors.Type($"keys must be str, int, float, bool or None, not {Types.NameOf(other)}"),
            });
            _builder.Append(_keySeparator);
            Append(dict.ValueAt(order[i]), depth + 1);
        }
        NewLine(depth);
        _builder.Append('}');
    }

    private static string Number(double value) =>
        double.IsNaN(value) ? "NaN" : double.IsPositiveInfinity(value) ? "Infinity" : double.IsNegativeInfinity(value) ? "-Infinity" : Numbers.Format(value);

    private void Separate(bool another, int depth)
    {
        if (another) _builder.Append(_itemSeparator);
        NewLine(depth);
    }

    private void NewLine(int depth)
    {
        if (_indent is null) return;
        _builder.Append('\n');
        for (var i = 0; i < depth; i++) _builder.Append(_indent);
    }

    private void AppendText(object text)
    {
        _builder.Append('"');
        var start = _builder.Length;
        var plain = Texts.Plain(text);
        for (var i = 0; i < plain.Length; i++)
        {
            var c = plain[i];
            if (c is >= ' ' and < '\x7f' and not ('"' or '\\')) _builder.Append(c);
            else
                switch (c)
                {
                    case '"': _builder.Append("\\\""); break;
                    case '\\': _builder.Append("\\\\"); break;
                    case '\n': _builder.Append("\\n"); break;
                    case '\r': _builder.Append("\\r"); break;
                    case '\t': _builder.Append("\\t"); break;
                    case '\f': _builder.Append("\\f"); break;
                    case '\b': _builder.Append("\\b"); break;
                    default:
                        if (c < ' ' || _asciiOnly) _builder.Append(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"));
                        else _builder.Append(c);
                        break;
                }
        }
        if (text is TracedText traced)
            foreach (var run in traced.Runs.DistinctBy(r => (r.Message, r.Field))) _builder.Mark(start, run.Message, run.Field);
        _builder.Append('"');
    }
}
