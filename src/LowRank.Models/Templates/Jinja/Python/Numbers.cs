using System.Globalization;
using System.Numerics;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's numbers: <c>bool</c> and <c>int</c> (a long, or a <see cref="BigInteger"/> beyond it) and <c>float</c>.</summary>
internal static class Numbers
{
    public static bool IsNumber(object? value) => value is long or double or bool or BigInteger;

    public static bool IsInteger(object? value) => value is long or bool or BigInteger;

    public static BigInteger ToBig(object value) => value switch { long l => l, bool b => b ? 1 : 0, BigInteger big => big, _ => throw Errors.Type("an integer is required") };

    /// <summary>Integers have at most so many bits: arithmetic on longer ones takes time that no count of steps sees.</summary>
    public const int MaxBits = 1 << 14;

    /// <summary>Python turns no longer integers into text, nor text into longer integers.</summary>
    public const int MaxDigits = 4300;

    /// <summary>The result of an operation as a value.</summary>
    /// <exception cref="ChatTemplateException">It has more than <see cref="MaxBits"/> bits.</exception>
    public static object Checked(BigInteger value) =>
        value.GetBitLength() <= MaxBits ? Types.Box(value) : throw Errors.Limit($"it makes an integer of more than {MaxBits} bits");

    /// <summary>The decimal digits.</summary>
    /// <exception cref="ChatTemplateException">ValueError, as in Python: more than <see cref="MaxDigits"/> digits.</exception>
    public static string Digits(BigInteger value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        return text.Length - (value.Sign < 0 ? 1 : 0) <= MaxDigits ? text
            : throw Errors.Value($"Exceeds the limit ({MaxDigits} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit");
    }

    public static BigInteger? ToBigOrNull(object value) => IsInteger(value) ? ToBig(value) : null;

    /// <summary>The quotient of two large integers as the nearest float.</summary>
    public static double Quotient(BigInteger left, BigInteger right)
    {
        var negative = left.Sign < 0 != right.Sign < 0;
        (left, right) = (BigInteger.Abs(left), BigInteger.Abs(right));
        // Scale the quotient to 61 or 62 bits, which a ulong holds, so that one rounding to the 53 of a float follows. The lowest bit stands for the rest.
        var shift = (int)(61 - (left.GetBitLength() - right.GetBitLength()));
        var scaled = shift >= 0 ? BigInteger.DivRem(left << shift, right, out var rest) : BigInteger.DivRem(left, right << -shift, out rest);
        if (!rest.IsZero) scaled |= 1;
        var quotient = Math.ScaleB((double)(ulong)scaled, -shift);
        return double.IsInfinity(quotient) ? throw Errors.Overflow("integer division result too large for a float") : negative ? -quotient : quotient;
    }

    /// <exception cref="ChatTemplateException">OverflowError: an integer beyond the range of a float.</exception>
    public static double ToDouble(object value) => value switch
    {
        double d => d,
        long l => l,
        bool b => b ? 1 : 0,
        BigInteger big when big.GetBitLength() > 1024 => throw Errors.Overflow("int too large to convert to float"),
        BigInteger big => Quotient(big, BigInteger.One),
        _ => throw Errors.Type($"must be real number, not {Types.NameOf(value)}"),
    };

    public static bool TryLong(object? value, out long result)
    {
        switch (value)
        {
            case long l: result = l; return true;
            case bool b: result = b ? 1 : 0; return true;
            default: result = 0; return false;
        }
    }

    /// <summary>An index or count: an integer, cut to the range of a long.</summary>
    /// <exception cref="ChatTemplateException">TypeError: no integer.</exception>
    public static long ToIndex(object? value) => value switch
    {
        long l => l,
        bool b => b ? 1 : 0,
        BigInteger big => big.Sign < 0 ? long.MinValue / 2 : long.MaxValue / 2,
        Undefined u => throw u.Error(),
        _ => throw Errors.Type($"'{Types.NameOf(value)}' object cannot be interpreted as an integer"),
    };

    /// <summary>A count that must fit the memory: negative values become 0, large ones fail later against the limits.</summary>
    public static int ToCount(object? value) => (int)Math.Clamp(ToIndex(value), int.MinValue / 2, int.MaxValue / 2);

    /// <summary>The order of two numbers, exact also between large integers and floats; null with NaN.</summary>
    public static int? Compare(object left, object right)
    {
        if (left is long a && right is long b) return a.CompareTo(b);
        if (left is double || right is double)
        {
            if (left is double x && right is double y) return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
            var (number, other, swapped) = left is double d ? (d, right, false) : ((double)right, left, true);
            if (double.IsNaN(number)) return null;
            var order = double.IsInfinity(number) ? (number > 0 ? 1 : -1) : CompareExact(number, ToBig(other));
            return swapped ? -order : order;
        }
        return ToBig(left).CompareTo(ToBig(right));
    }

    private static int CompareExact(double number, BigInteger integer)
    {
        var order = new BigInteger(Math.Truncate(number)).CompareTo(integer);
        return order != 0 ? order : (number - Math.Truncate(number)).CompareTo(0);
    }

    /// <summary>Python's <c>repr</c> of a float: the shortest digits that give the value back.</summary>
    public static string Format(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        return FromShortest(value.ToString("R", CultureInfo.InvariantCulture), double.IsNegative(value));
    }

    // .NET gives the same shortest digits as Python; only the notation differs.
    private static string FromShortest(string round, bool negative)
    {
        var digits = new System.Text.StringBuilder();
        var (point, exponent, seenPoint) = (0, 0, false);
        foreach (var (i, c) in round.Index())
        {
            if (c is 'E' or 'e') { exponent = int.Parse(round.AsSpan(i + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture); break; }
            if (c == '.') seenPoint = true;
            else if (c is not ('-' or '+')) { digits.Append(c); if (!seenPoint) point++; }
        }
        var text = digits.ToString();
        var leading = text.Length - text.TrimStart('0').Length;
        text = text[leading..].TrimEnd('0');
        if (text.Length == 0) return negative ? "-0.0" : "0.0";
        // The value is 0.TEXT times ten to the power of scale.
        var scale = point - leading + exponent;
        var sign = negative ? "-" : "";
        if (scale is > -4 and <= 16)
        {
            if (scale <= 0) return $"{sign}0.{new string('0', -scale)}{text}";
            return scale >= text.Length ? $"{sign}{text}{new string('0', scale - text.Length)}.0" : $"{sign}{text[..scale]}.{text[scale..]}";
        }
        var power = scale - 1;
        var mantissa = text.Length == 1 ? text : $"{text[0]}.{text[1..]}";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{mantissa}e{(power < 0 ? '-' : '+')}{Math.Abs(power):00}");
    }
}
