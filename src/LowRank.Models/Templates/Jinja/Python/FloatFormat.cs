using System.Globalization;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>A float as C's <c>e</c>, <c>f</c> and <c>g</c> write it. .NET rounds correctly at any precision; only the notation differs.</summary>
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
        // .NET refuses absurd precisions; zeros are all that follows there.
        precision = Math.Min(precision, 1100);
        var text = char.ToLowerInvariant(type) switch
        {
            'f' => value.ToString("F" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) + (alternate && precision == 0 ? "." : ""),
            'e' => Exponential(value, precision, alternate),
            _ => General(value, Math.Max(1, precision), alternate),
        };
        return upper ? text.ToUpperInvariant() : text;
    }

    private static string Exponential(double value, int precision, bool alternate)
    {
        var text = value.ToString("E" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var at = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = int.Parse(text.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{text[..at]}{(alternate && precision == 0 ? "." : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
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
        var fixedPoint = value.ToString("F" + (precision - 1 - exponent).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return !alternate && fixedPoint.Contains('.') ? fixedPoint.TrimEnd('0').TrimEnd('.') : fixedPoint;
    }
}
