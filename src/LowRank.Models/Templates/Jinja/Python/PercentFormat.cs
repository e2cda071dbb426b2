using System.Numerics;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's <c>format % values</c>.</summary>
internal static class PercentFormat
{
    public static object Apply(Interpreter interpreter, object format, object? values)
    {
        var (text, markup) = (Texts.Plain(format), Texts.IsMarkup(format));
        var builder = new TextBuilder(interpreter.Limits.OutputLength);
        var arguments = values is PyTuple tuple ? tuple.Items : [values];
        var (next, named) = (0, false);
        for (var i = 0; i < text.Length;)
        {
            var percent = text.IndexOf('%', i);
            if (percent < 0) percent = text.Length;
            builder.AppendText(format, i, percent - i);
            if ((i = percent) == text.Length) break;
            i++;
            object? key = null;
            var hasKey = false;
            if (i < text.Length && text[i] == '(')
            {
                var (start, depth) = (++i, 1);
                for (; i < text.Length && depth > 0; i++) depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
                if (depth > 0) throw Errors.Value("incomplete format key");
                if (values is not PyDict) throw Errors.Type("format requires a mapping");
                (key, hasKey, named) = (text[start..(i - 1)], true, true);
            }
            var spec = new Spec();
            for (; i < text.Length && "-+ #0".Contains(text[i]); i++)
            {
                if (text[i] == '-') spec.Left = true;
                else if (text[i] == '+') spec.Plus = true;
                else if (text[i] == ' ') spec.Space = true;
                else if (text[i] == '#') spec.Alternate = true;
                else spec.Zero = true;
            }
            spec.Width = Count(ref i) ?? 0;
            if (spec.Width < 0) (spec.Left, spec.Width) = (true, -spec.Width);
            if (i < text.Length && text[i] == '.') { i++; spec.Precision = Math.Max(0, Count(ref i) ?? 0); }
            while (i < text.Length && text[i] is 'h' or 'l' or 'L') i++;
            if (i == text.Length) throw Errors.Value("incomplete format");
            var conversion = text[i++];
            if (conversion == '%') { builder.Append('%'); continue; }
            var value = hasKey ? Lookup((PyDict)values!, key) : Next();
            interpreter.Charge(spec.Width + spec.Precision.GetValueOrDefault());
            Convert(interpreter, builder, value, spec, conversion, i - 1, escape: markup);
        }
        // What can be subscripted might be a mapping, which need not be used up.
        if (!named && next < arguments.Length && values is not (PyDict or PyList or PyRange or Undefined)) throw Errors.Type("not all arguments converted during string formatting");
        return markup ? Texts.AsMarkup(builder.ToValue()) : builder.ToValue();

        object? Next() => next < arguments.Length ? arguments[next++] : throw Errors.Type("not enough arguments for format string");

        int? Count(ref int at)
        {
            if (at < text.Length && text[at] == '*') { at++; return Next() is long l ? (int)Math.Clamp(l, -int.MaxValue / 2, int.MaxValue / 2) : throw Errors.Type("* wants int"); }
            long? count = null;
            for (; at < text.Length && char.IsAsciiDigit(text[at]); at++) count = Math.Min(count.GetValueOrDefault() * 10 + (text[at] - '0'), int.MaxValue / 2);
            return (int?)count;
        }
    }

    private static object? Lookup(PyDict values, object? key) => values.TryGet(key, out var value) ? value : throw Errors.Key(Representation.Of(key));

    private static void Convert(Interpreter interpreter, TextBuilder builder, object? value, Spec spec, char conversion, int at, bool escape)
    {
        switch (conversion)
        {
            case 's' or 'r' or 'a':
                var text = conversion == 's' ? Representation.Str(value) : Representation.Build(value);
                if (conversion == 'a') text = BraceFormat.Ascii(text);
                if (escape && !Texts.IsMarkup(value)) text = Html.Escape(text);
                if (spec.Precision is { } most) text = Texts.Slice(text, 0, Texts.ToUtf16(Texts.Plain(text), most));
                var gap = spec.Width - Texts.Count(Texts.Plain(text));
                builder.AppendText(Padding.Pad(interpreter, text, spec.Left ? 0 : gap, spec.Left ? gap : 0, " "));
                return;
            case 'c':
                var character = Texts.TryGet(value, out var one) && Texts.Count(one) == 1 ? one
                    : Numbers.IsInteger(value) ? FormatSpec.Character(Numbers.ToBig(value!)) : throw Errors.Type("%c requires int or char");
                builder.AppendText(Padding.Pad(interpreter, character, spec.Left ? 0 : spec.Width - 1, spec.Left ? spec.Width - 1 : 0, " "));
                return;
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o':
                Digits(interpreter, builder, Whole(value, conversion), spec, conversion);
                return;
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                if (!Numbers.IsNumber(value)) throw value is Undefined u ? u.Error() : Errors.Type($"must be real number, not {Types.NameOf(value)}");
                var number = Numbers.ToDouble(value!);
                var body = FloatFormat.Of(Math.Abs(number), conversion, spec.Precision ?? 6, spec.Alternate);
                Number(interpreter, builder, double.IsNegative(number) && !double.IsNaN(number), "", body, spec, zero: double.IsFinite(number));
                return;
            default:
                throw Errors.Value($"unsupported format character '{conversion}' (0x{(int)conversion:x}) at index {at}");
        }
    }

    private static BigInteger Whole(object? value, char conversion)
    {
        if (value is double d && conversion is 'd' or 'i' or 'u' && double.IsFinite(value as double? ?? 0)) return new BigInteger(Math.Truncate((double)value!));
        if (value is Undefined u) throw u.Error();
        if (!Numbers.IsInteger(value))
            throw Errors.Type(conversion is 'x' or 'X' or 'o' ? $"%{conversion} format: an integer is required, not {Types.NameOf(value)}" : $"%{conversion} format: a real number is required, not {Types.NameOf(value)}");
        return Numbers.ToBig(value!);
    }

    private static void Digits(Interpreter interpreter, TextBuilder builder, BigInteger value, Spec spec, char conversion)
    {
        var digits = FormatSpec.Radix(BigInteger.Abs(value), conversion switch { 'x' or 'X' => 16, 'o' => 8, _ => 10 }, conversion == 'X');
        if (spec.Precision is { } least && digits.Length < least) digits = new string('0', least - digits.Length) + digits;
        var prefix = spec.Alternate ? conversion switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", _ => "" } : "";
        Number(interpreter, builder, value.Sign < 0, prefix, digits, spec, zero: true);
    }

    private static void Number(Interpreter interpreter, TextBuilder builder, bool negative, string prefix, string digits, Spec spec, bool zero)
    {
        var head = (negative ? "-" : spec.Plus ? "+" : spec.Space ? " " : "") + prefix;
        var gap = spec.Width - head.Length - digits.Length;
        if (spec.Zero && zero && !spec.Left) { builder.Append(head); builder.Append('0', gap); builder.Append(digits); }
        else builder.AppendText(Padding.Pad(interpreter, head + digits, spec.Left ? 0 : gap, spec.Left ? gap : 0, " "));
    }

    private struct Spec
    {
        public bool Left, Plus, Space, Alternate, Zero;
        public int Width;
        public int? Precision;
    }
}
