using System.Globalization;
using System.Numerics;
using System.Text;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's format specification, <c>[[fill]align][sign][z][#][0][width][,|_][.precision][type]</c>, as <c>str.format</c> applies it.</summary>
internal static class FormatSpec
{
    private sealed record Parsed(string Fill, char? Align, char Sign, bool Alternate, bool Zero, int Width, char? Grouping, int? Precision, char? Type);

    public static object Apply(Interpreter interpreter, object? value, string spec)
    {
        if (spec.Length == 0) return Representation.Str(value);
        if (value is not (string or TracedText or bool or long or BigInteger or double))
            throw Errors.Type($"unsupported format string passed to {Types.NameOf(value)}.__format__");
        var parsed = Parse(spec, value);
        interpreter.Charge(parsed.Width + (parsed.Precision ?? 0));
        if (Texts.IsText(value)) return ApplyText(interpreter, value, parsed);
        return value is double || parsed.Type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%'
            ? ApplyFloat(interpreter, Numbers.ToDouble(value), parsed)
            : ApplyInteger(interpreter, value, parsed);
    }

    public static string Radix(BigInteger value, int radix, bool upper)
    {
        if (radix == 10) return Numbers.Digits(value);
        if (value.IsZero) return "0";
        var digits = new StringBuilder();
        for (; !value.IsZero; value /= radix) digits.Insert(0, "0123456789abcdef"[(int)(value % radix)]);
        return upper ? digits.ToString().ToUpperInvariant() : digits.ToString();
    }

    private static Parsed Parse(string spec, object? value)
    {
        var i = 0;
        var fill = " ";
        char? align = null;
        var first = char.IsHighSurrogate(spec[0]) && spec.Length > 1 ? 2 : 1;
        if (spec.Length > first && IsAlign(spec[first])) (fill, align, i) = (spec[..first], spec[first], first + 1);
        else if (IsAlign(spec[0])) (align, i) = (spec[0], 1);
        var sign = i < spec.Length && spec[i] is '+' or '-' or ' ' ? spec[i++] : '-';
        if (i < spec.Length && spec[i] == 'z') i++;
        var alternate = i < spec.Length && spec[i] == '#' && i++ >= 0;
        var zero = i < spec.Length && spec[i] == '0' && i++ >= 0;
        if (zero && align is null) { fill = "0"; align = Texts.IsText(value) ? '<' : '='; }
        var width = Count() ?? 0;
        char? grouping = i < spec.Length && spec[i] is ',' or '_' ? spec[i++] : null;
        int? precision = null;
        if (i < spec.Length && spec[i] == '.') { i++; precision = Count() ?? throw Errors.Value("Format specifier missing precision"); }
        char? type = i < spec.Length ? spec[i++] : null;
        if (i < spec.Length) throw Errors.Value("Invalid format specifier");
        return new Parsed(fill, align, sign, alternate, zero, width, grouping, precision, type);

        int? Count()
        {
            long? count = null;
            for (; i < spec.Length && char.IsAsciiDigit(spec[i]); i++) count = Math.Min(count.GetValueOrDefault() * 10 + (spec[i] - '0'), int.MaxValue / 2);
            return (int?)count;
        }
    }

    private static bool IsAlign(char c) => c is '<' or '>' or '=' or '^';

    /// <summary>The character of a code point.</summary>
    public static string Character(BigInteger code) =>
        code < 0 || code > 0x10FFFF ? throw Errors.Overflow("%c arg not in range(0x110000)")
        : code >= 0xD800 && code <= 0xDFFF ? throw Errors.Unsupported("half of a surrogate pair as a character", "texts are whole characters")
        : char.ConvertFromUtf32((int)code);

    private static object ApplyText(Interpreter interpreter, object text, Parsed spec)
    {
        if (spec.Type is not (null or 's')) throw Unknown(spec, text);
        if (spec.Align == '=') throw Errors.Value("'=' alignment not allowed in string format specifier");
        if (spec.Precision is { } most) text = Texts.Slice(text, 0, Texts.ToUtf16(Texts.Plain(text), most));
        return Place(interpreter, text, spec, '<');
    }

    private static object ApplyInteger(Interpreter interpreter, object value, Parsed spec)
    {
        if (value is bool b && spec.Type is null) value = b ? 1L : 0L;
        if (spec.Precision is not null) throw Errors.Value("Precision not allowed in integer format specifier");
        var number = Numbers.ToBig(value);
        if (spec.Type == 'c') return Place(interpreter, Character(number), spec, '<');
        var (radix, prefix) = spec.Type switch
        {
            null or 'd' or 'n' => (10, ""),
            'b' => (2, "0b"),
            'o' => (8, "0o"),
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            _ => throw Unknown(spec, value),
        };
        var digits = Radix(BigInteger.Abs(number), radix, spec.Type == 'X');
        return Number(interpreter, number.Sign < 0, spec.Alternate ? prefix : "", digits, "", spec, radix == 10 ? 3 : 4);
    }

    private static object ApplyFloat(Interpreter interpreter, double value, Parsed spec)
    {
        var magnitude = Math.Abs(value);
        string text;
        switch (spec.Type)
        {
            case null:
                text = spec.Precision is { } digits ? General(magnitude, digits) : Numbers.Format(magnitude);
                break;
            case '%': text = FloatFormat.Of(magnitude * 100, 'f', spec.Precision ?? 6, spec.Alternate) + "%"; break;
            case 'n' or 'g' or 'G' or 'e' or 'E' or 'f' or 'F':
                text = FloatFormat.Of(magnitude, spec.Type == 'n' ? 'g' : spec.Type.Value, spec.Precision ?? 6, spec.Alternate);
                break;
            default: throw Unknown(spec, value);
        }
        var whole = 0;
        while (whole < text.Length && char.IsAsciiDigit(text[whole])) whole++;
        return Number(interpreter, double.IsNegative(value) && !double.IsNaN(value), "", text[..whole], text[whole..], spec, 3);
    }

    // Without a type, a precision means g, but with at least one digit behind the point.
    private static string General(double value, int precision)
    {
        var text = FloatFormat.Of(value, 'g', precision, alternate: false);
        return text.AsSpan().IndexOfAny(".en") < 0 ? text + ".0" : text;
    }

    private static object Number(Interpreter interpreter, bool negative, string prefix, string digits, string tail, Parsed spec, int group)
    {
        var head = (negative ? "-" : spec.Sign is '+' or ' ' ? spec.Sign.ToString() : "") + prefix;
        if (spec.Grouping is { } separator)
        {
            // Zero padding is grouped too.
            if (spec.Align == '=' && spec.Fill == "0")
            {
                long count = digits.Length;
                while (count + (count - 1) / group + head.Length + tail.Length < spec.Width) count++;
                digits = new string('0', (int)count - digits.Length) + digits;
            }
            digits = Grouped(digits, separator, group);
        }
        if (spec.Align != '=') return Place(interpreter, head + digits + tail, spec, '>');
        return head + Texts.Plain(Padding.Pad(interpreter, digits + tail, spec.Width - head.Length - digits.Length - tail.Length, 0, spec.Fill));
    }

    private static string Grouped(string digits, char separator, int size)
    {
        var result = new StringBuilder();
        for (var i = 0; i < digits.Length; i++)
        {
            if (i > 0 && (digits.Length - i) % size == 0) result.Append(separator);
            result.Append(digits[i]);
        }
        return result.ToString();
    }

    private static object Place(Interpreter interpreter, object text, Parsed spec, char natural)
    {
        var gap = spec.Width - Texts.Count(Texts.Plain(text));
        if (gap <= 0) return text;
        return (spec.Align ?? natural) switch
        {
            '<' => Padding.Pad(interpreter, text, 0, gap, spec.Fill),
            '^' => Padding.Pad(interpreter, text, gap / 2, gap - gap / 2, spec.Fill),
            _ => Padding.Pad(interpreter, text, gap, 0, spec.Fill),
        };
    }

    private static ChatTemplateException Unknown(Parsed spec, object value) =>
        Errors.Value($"Unknown format code '{spec.Type}' for object of type '{Types.NameOf(value)}'");
}
