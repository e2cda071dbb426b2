using System.Globalization;
using System.Numerics;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>
/// A float as C's <c>e</c>, <c>f</c> and <c>g</c> write it: the exact value rounded to so many digits, a tie to the even one.
/// .NET's formats round what is already rounded to 15 digits, so the digits are computed from the bits.
/// </summary>
internal static class FloatFormat
{
    /// <param name="value">A value that is not negative.</param>
    /// <param name="type">One of <c>eEfFgG</c>.</param>
    /// <param name="precision">Digits behind the point, or significant digits for <c>g</c>.</param>
    /// <param name="alternate">Keeps the point and trailing zeros.</param>
    public static string Of(double value, char type, int precision, bool alternate)
    {
        var upper = char.IsUpper(type);
        if (!double.IsFinite(value)) return double.IsNaN(value) ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf";
        var text = char.ToLowerInvariant(type) switch
        {
            'f' => Fixed(value, precision) + (alternate && precision == 0 ? "." : ""),
            'e' => Exponential(value, precision, alternate),
            _ => General(value, Math.Max(1, precision), alternate),
        };
        return upper ? text.ToUpperInvariant() : text;
    }

    /// <summary>Digits behind the point; a finite value that is not negative.</summary>
    public static string Fixed(double value, int precision)
    {
        // More digits than a float has are zeros.
        var exact = Math.Min(precision, 1100);
        var digits = Scaled(value, exact).ToString(CultureInfo.InvariantCulture).PadLeft(exact + 1, '0');
        return precision == 0 ? digits : $"{digits[..^exact]}.{digits[^exact..]}{new string('0', precision - exact)}";
    }

    /// <summary>The value times ten to a power, rounded to a whole number.</summary>
    public static BigInteger Scaled(double value, int power)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger numerator = exponent == 0 ? bits & 0xFFFFFFFFFFFFF : (bits & 0xFFFFFFFFFFFFF) | 1L << 52;
        var shift = Math.Max(exponent, 1) - 1075;
        var denominator = BigInteger.One;
        if (power >= 0) numerator *= BigInteger.Pow(10, power);
        else denominator = BigInteger.Pow(10, -power);
        if (shift >= 0) numerator <<= shift;
        else denominator <<= -shift;
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var twice = (rest << 1).CompareTo(denominator);
        return twice > 0 || (twice == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    private static string Exponential(double value, int precision, bool alternate)
    {
        var kept = Math.Min(precision, 1100);
        var exponent = value == 0 ? 0 : (int)Math.Floor(Math.Log10(value));
        var digits = Scaled(value, kept - exponent).ToString(CultureInfo.InvariantCulture);
        // The logarithm may be off by one, and rounding up may add a digit.
        for (; value != 0 && digits.Length != kept + 1; digits = Scaled(value, kept - exponent).ToString(CultureInfo.InvariantCulture)) exponent += digits.Length > kept + 1 ? 1 : -1;
        digits = digits.PadRight(precision + 1, '0');
        var point = precision > 0 || alternate ? "." : "";
        return string.Create(CultureInfo.InvariantCulture, $"{digits[0]}{point}{digits[1..]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
    }

    private static string General(double value, int precision, bool alternate)
    {
        var scientific = Exponential(value, precision - 1, alternate: false);
        var at = scientific.IndexOf('e', StringComparison.Ordinal);
        var exponent = int.Parse(scientific.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (exponent < -4 || exponent >= precision)
        {
            var mantissa = scientific[..at];
            if (!alternate && mantissa.Contains('.')) mantissa = mantissa.TrimEnd('0').TrimEnd('.');
            return mantissa + scientific[at..];
        }
        var fixedPoint = Fixed(value, precision - 1 - exponent);
        return !alternate && fixedPoint.Contains('.') ? fixedPoint.TrimEnd('0').TrimEnd('.') : fixedPoint;
    }
}
