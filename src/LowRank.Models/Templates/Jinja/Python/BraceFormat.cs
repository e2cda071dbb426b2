using System.Globalization;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's <c>str.format</c>, with fields looked up by the sandbox's rules.</summary>
internal static class BraceFormat
{
    public static object Apply(Interpreter interpreter, object format, object?[] positional, PyDict? named) =>
        new Run(interpreter, positional, named).Render(format, depth: 2);

    /// <summary>The text with everything beyond ASCII escaped, for the conversion <c>!a</c>.</summary>
    public static object Ascii(object text)
    {
        var builder = new System.Text.StringBuilder();
        foreach (var rune in Texts.Plain(text).EnumerateRunes())
            builder.Append(rune.IsAscii ? rune.ToString()
                : Representation.Escape(rune.Value));
        return Texts.WithRunsOf(text, builder.ToString());
    }

    private sealed class Run(Interpreter interpreter, object?[] positional, PyDict? named)
    {
        private int _next;
        private bool? _automatic;

        public object Render(object format, int depth)
        {
            if (depth < 0) throw Errors.Value("Max string recursion exceeded");
            var text = Texts.Plain(format);
            var builder = new TextBuilder(interpreter.Limits.OutputLength);
            for (var i = 0; i < text.Length;)
            {
                var brace = text.AsSpan(i).IndexOfAny('{', '}');
                if (brace < 0) { builder.AppendText(format, i, text.Length - i); break; }
                builder.AppendText(format, i, brace);
                i += brace;
                if (i + 1 < text.Length && text[i + 1] == text[i]) { builder.Append(text[i]); i += 2; continue; }
                if (text[i] == '}') throw Errors.Value("Single '}' encountered in format string");
                if (i + 1 == text.Length) throw Errors.Value("Single '{' encountered in format string");
                var (start, open) = (++i, 1);
                for (; i < text.Length && open > 0; i++) open += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
                if (open > 0) throw Errors.Value("expected '}' before end of string");
                builder.AppendText(Field(text[start..(i - 1)], depth));
            }
            return builder.ToValue();
        }

        private object Field(string field, int depth)
        {
            // A bracketed index may hold a colon or an exclamation mark.
            var (end, bracket) = (0, false);
            for (; end < field.Length && (bracket || field[end] is not (':' or '!')); end++) bracket = bracket ? field[end] != ']' : field[end] == '[';
            var value = Lookup(field[..end]);
            var rest = field[end..];
            if (rest.StartsWith('!'))
            {
                if (rest.Length < 2 || (rest.Length > 2 && rest[2] != ':')) throw Errors.Value("expected ':' after conversion specifier");
                value = rest[1] switch
                {
                    's' => Representation.Str(value),
                    'r' => Representation.Build(value),
                    'a' => Ascii(Representation.Build(value)),
                    var other => throw Errors.Value($"Unknown conversion specifier {other}"),
                };
                rest = rest[2..];
            }
            var spec = rest.Length > 1 ? Texts.Plain(Render(rest[1..], depth - 1)) : "";
            return FormatSpec.Apply(interpreter, value, spec);
        }

        private object? Lookup(string path)
        {
            var first = path.AsSpan().IndexOfAny('.', '[') is var cut and >= 0 ? path[..cut] : path;
            var value = First(first);
            for (var i = first.Length; i < path.Length;)
            {
                if (path[i] == '.')
                {
                    var end = path.AsSpan(i + 1).IndexOfAny('.', '[') is var n and >= 0 ? i + 1 + n : path.Length;
                    if (end == i + 1) throw Errors.Value("Empty attribute in format string");
                    value = Attributes.Get(value, path[(i + 1)..end]);
                    i = end;
                }
                else
                {
                    var end = path[i] == '[' ? path.IndexOf(']', i) : -1;
                    if (end < 0) throw Errors.Value(path[i] == '[' ? "Missing ']' in format string" : "Only '.' or '[' may follow ']' in format field specifier");
                    var index = path[(i + 1)..end];
                    value = Attributes.Item(value, long.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : index);
                    i = end + 1;
                }
            }
            return value;
        }

        private object? First(string name)
        {
            var isNumber = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index);
            if (name.Length == 0 || isNumber)
            {
                if (_automatic is { } automatic && automatic != (name.Length == 0))
                    throw Errors.Value(automatic ? "cannot switch from automatic field numbering to manual field specification" : "cannot switch from manual field specification to automatic field numbering");
                _automatic = name.Length == 0;
                if (name.Length == 0) index = _next++;
                return index < positional.Length ? positional[index] : throw Errors.Index("Replacement index " + index.ToString(CultureInfo.InvariantCulture) + " out of range for positional args tuple");
            }
            return named is not null && named.TryGet(name, out var value) ? value : throw Errors.Key($"'{name}'");
        }
    }
}
