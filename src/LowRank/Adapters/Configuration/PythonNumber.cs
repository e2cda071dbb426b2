using System.Globalization;

namespace LowRank.Adapters;

/// <summary>Numbers as Python's <c>repr</c> writes them: <c>0.0</c>, <c>0.05</c>, <c>1e-05</c>.</summary>
internal static class PythonNumber
{
    /// <summary>A finite float. Python goes over to an exponent below 1e-4 and from 1e16 on.</summary>
    public static string Format(double value)
    {
        if (!double.IsFinite(value)) return value.ToString(CultureInfo.InvariantCulture);
        var magnitude = Math.Abs(value);
        if (magnitude is 0 or (>= 1e-4 and < 1e16))
        {
            var text = value.ToString("R", CultureInfo.InvariantCulture);
            if (text.Contains('E')) text = decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
            return text.Contains('.') ? text : text + ".0";
        }
        // "1E+16" or "12345678901234568000": the shortest digits that give the value back, and where the point stands.
        var shortest = magnitude.ToString("R", CultureInfo.InvariantCulture).Split('E');
        var point = shortest[0].IndexOf('.') is >= 0 and var at ? at : shortest[0].Length;
        var digits = shortest[0].Replace(".", "", StringComparison.Ordinal);
        var zeros = digits.Length - digits.TrimStart('0').Length;
        var exponent = point - 1 - zeros + (shortest.Length > 1 ? int.Parse(shortest[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0);
        digits = digits.Trim('0');
        var fraction = digits.Length > 1 ? "." + digits[1..] : "";
        return $"{(value < 0 ? "-" : "")}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
    }

    /// <summary>A number that PEFT keeps as an int where it is whole (<c>lora_alpha</c>).</summary>
    public static string FormatIntegral(double value) =>
        value == Math.Truncate(value) && Math.Abs(value) < 1e15 ? ((long)value).ToString(CultureInfo.InvariantCulture) : Format(value);
}
