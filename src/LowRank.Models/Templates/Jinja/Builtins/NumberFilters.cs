using System.Globalization;
using System.Numerics;
using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary>Filters that make numbers, or text of numbers.</summary>
internal static class NumberFilters
{
    public static Builtin[] All { get; } =
    [
        new("abs", "", (_, v, _) => v switch
        {
            double d => Math.Abs(d),
            Undefined => throw Errors.Type("bad operand type for abs(): 'Undefined'"),
            _ when Numbers.IsInteger(v) => Types.Box(BigInteger.Abs(Numbers.ToBig(v!))),
            _ => throw Errors.Type($"bad operand type for abs(): '{Types.NameOf(v)}'"),
        }),
        new("int", "default? base?", (_, v, a) => ToInteger(v, a[0] is Missing ? 0L : a[0], a[1] is Missing ? 10 : Numbers.ToCount(a[1]))),
        new("float", "default?", (_, v, a) => TryFloat(v, out var number) ? number : a[0] is Missing ? 0.0 : a[0]),
        new("round", "precision? method?", (_, v, a) => Round(v, a[0] is Missing ? 0 : Numbers.ToCount(a[0]), a[1] is Missing ? "common" : Texts.Plain(Representation.Str(a[1])))),
        new("filesizeformat", "binary?", (_, v, a) => FileSize(v, a[0] is not Missing && Types.IsTrue(a[0]))),
    ];

    private static object? ToInteger(object? value, object? otherwise, int radix)
    {
        if (value is Undefined u) throw u.Error();
        if (Texts.TryGet(value, out var text))
        {
            if (TryParse(text, radix, out var parsed)) return Types.Box(parsed);
            return TryFloat(text, out var number) && double.IsFinite(number) ? Types.Box(new BigInteger(Math.Truncate(number))) : otherwise;
        }
        if (value is double d)
            return double.IsNaN(d) ? otherwise : double.IsInfinity(d) ? throw Errors.Overflow("cannot convert float infinity to integer") : Types.Box(new BigInteger(Math.Truncate(d)));
        return Numbers.IsInteger(value) ? Types.Box(Numbers.ToBig(value!)) : otherwise;
    }

    /// <summary>Python's <c>int(text, radix)</c>.</summary>
    private static bool TryParse(string text, int radix, out BigInteger value)
    {
        value = default;
        var (start, length) = Whitespace.Strip(text, null, left: true, right: true);
        var digits = text.AsSpan(start, length);
        var negative = digits.StartsWith("-");
        if (negative || digits.StartsWith("+")) digits = digits[1..];
        if (digits.Length > 1 && digits[0] == '0' && char.ToLowerInvariant(digits[1]) is var mark && (mark, radix) is ('x', 16 or 0) or ('o', 8 or 0) or ('b', 2 or 0))
        {
            radix = mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
            digits = digits[2..];
            if (digits.StartsWith("_")) digits = digits[1..];
        }
        if (radix == 0) radix = digits.Length > 1 && digits[0] == '0' && digits.ContainsAnyExcept('0', '_') ? -1 : 10;
        if (radix is < 2 or > 36 || digits.IsEmpty || digits.Length > Numbers.MaxDigits || digits[0] == '_' || digits[^1] == '_') return false;
        for (var i = 0; i < digits.Length; i++)
        {
            if (digits[i] == '_') { if (digits[i - 1] == '_') return false; continue; }
            var c = char.ToLowerInvariant(digits[i]);
            var digit = char.IsAsciiDigit(c) ? c - '0' : c is >= 'a' and <= 'z' ? c - 'a' + 10 : CharUnicodeInfo.GetDecimalDigitValue(c);
            if (digit < 0 || digit >= radix) return false;
            value = value * radix + digit;
        }
        if (negative) value = -value;
        return true;
    }

    /// <summary>Python's <c>float(value)</c>; false where it raises a TypeError or ValueError.</summary>
    private static bool TryFloat(object? value, out double number)
    {
        number = 0;
        if (value is Undefined u) throw u.Error();
        if (Numbers.IsNumber(value)) { number = Numbers.ToDouble(value!); return true; }
        if (!Texts.TryGet(value, out var text)) return false;
        var (start, length) = Whitespace.Strip(text, null, left: true, right: true);
        var body = text.Substring(start, length);
        var unsigned = body.TrimStart('+', '-');
        if (body.Length - unsigned.Length > 1 || unsigned.Length == 0) return false;
        if (unsigned.Equals("nan", StringComparison.OrdinalIgnoreCase)) { number = double.NaN; return true; }
        if (unsigned.Equals("inf", StringComparison.OrdinalIgnoreCase) || unsigned.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            number = body[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }
        for (var i = 0; i < unsigned.Length; i++)
            if (unsigned[i] == '_' && (i == 0 || i == unsigned.Length - 1 || !char.IsAsciiDigit(unsigned[i - 1]) || !char.IsAsciiDigit(unsigned[i + 1]))) return false;
        return double.TryParse(body.Replace("_", ""), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out number);
    }

    private static object Round(object? value, int precision, string method)
    {
        if (method is not ("common" or "ceil" or "floor")) throw Errors.FilterArgument("method must be common, ceil or floor");
        if (!Numbers.IsNumber(value)) throw value is Undefined ? Errors.Type("type Undefined doesn't define __round__ method") : Errors.Type($"type {Types.NameOf(value)} doesn't define __round__ method");
        if (method != "common")
        {
            var scale = Math.Pow(10, precision);
            var scaled = Numbers.ToDouble(value!) * scale;
            // Python divides the whole number that ceil or floor gives by ten to the precision.
            return (method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale;
        }
        if (value is double d) return RoundHalfEven(d, precision);
        if (precision >= 0) return Types.Box(Numbers.ToBig(value!));
        var unit = BigInteger.Pow(10, Math.Min(-precision, 400));
        var number = Numbers.ToBig(value!);
        var below = (BigInteger)Numbers.ToBig(Arithmetic.FloorDivide(number, unit)) * unit;
        var twice = (number - below) * 2;
        return Types.Box(twice > unit || (twice == unit && !(below / unit).IsEven) ? below + unit : below);
    }

    private static double RoundHalfEven(double value, int precision)
    {
        // From 2^53 on, and past the digits that a float has, there is nothing to round.
        if (!double.IsFinite(value) || precision > 22 || (precision >= 0 && Math.Abs(value) >= 1L << 53)) return value;
        var scaled = FloatFormat.Scaled(Math.Abs(value), precision);
        var digits = string.Create(CultureInfo.InvariantCulture, $"{scaled}E{-precision}");
        return Math.CopySign(double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture), value);
    }

    private static string FileSize(object? value, bool binary)
    {
        if (!TryFloat(value, out var bytes)) throw Errors.Value($"could not convert string to float: {Representation.Of(value)}");
        var unit = binary ? 1024.0 : 1000.0;
        if (bytes == 1) return "1 Byte";
        if (bytes < unit) return Math.Truncate(bytes).ToString("F0", CultureInfo.InvariantCulture) + " Bytes";
        var prefixes = binary ? "KiB MiB GiB TiB PiB EiB ZiB YiB" : "kB MB GB TB PB EB ZB YB";
        var size = unit;
        foreach (var (i, prefix) in prefixes.Split(' ').Index())
        {
            size *= unit;
            if (bytes < size || i == 7) return $"{FloatFormat.Of(unit * bytes / size, 'f', 1, false)} {prefix}";
        }
        return "";
    }
}
