using System.Globalization;
using System.Text;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>C's <c>strftime</c> in the C locale, as Python's <c>datetime.strftime</c> gives it on Linux, without a time zone.</summary>
internal static class TimeFormat
{
    private static readonly CultureInfo Names = CultureInfo.InvariantCulture;

    public static string Apply(DateTime time, string format)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length) { result.Append(format[i]); continue; }
            var start = i++;
            char? flag = format[i] is '-' or '_' or '0' or '^' or '#' ? format[i++] : null;
            if (i == format.Length || Directive(time, format[i]) is not { } value) { result.Append(format.AsSpan(start, Math.Min(i, format.Length - 1) - start + 1)); continue; }
            result.Append(flag switch
            {
                '-' => value.Length > 1 && char.IsAsciiDigit(value[0]) ? value.TrimStart('0', ' ') is { Length: > 0 } rest ? rest : "0" : value.TrimStart(' '),
                '_' => Refill(value, '0', ' '),
                '0' => Refill(value, ' ', '0'),
                '^' => value.ToUpperInvariant(),
                '#' => format[i] == 'p' ? value.ToLowerInvariant() : value.ToUpperInvariant(),
                _ => value,
            });
        }
        return result.ToString();
    }

    private static string Refill(string value, char old, char fill)
    {
        var zeros = value.Length - value.TrimStart(old).Length;
        if (zeros == value.Length) zeros--;
        return new string(fill, zeros) + value[zeros..];
    }

    private static string? Directive(DateTime t, char directive) => directive switch
    {
        'a' => t.ToString("ddd", Names),
        'A' => t.ToString("dddd", Names),
        'b' or 'h' => t.ToString("MMM", Names),
        'B' => t.ToString("MMMM", Names),
        'c' => Apply(t, "%a %b %e %H:%M:%S %Y"),
        'C' => Two(t.Year / 100),
        'd' => Two(t.Day),
        'D' or 'x' => Apply(t, "%m/%d/%y"),
        'e' => t.Day.ToString(Names).PadLeft(2),
        'f' => (t.Ticks % TimeSpan.TicksPerSecond / 10).ToString("000000", Names),
        'F' => Apply(t, "%Y-%m-%d"),
        'g' => Two(ISOWeek.GetYear(t) % 100),
        'G' => ISOWeek.GetYear(t).ToString(Names),
        'H' => Two(t.Hour),
        'I' => Two((t.Hour + 11) % 12 + 1),
        'j' => t.DayOfYear.ToString("000", Names),
        'k' => t.Hour.ToString(Names).PadLeft(2),
        'l' => ((t.Hour + 11) % 12 + 1).ToString(Names).PadLeft(2),
        'm' => Two(t.Month),
        'M' => Two(t.Minute),
        'n' => "\n",
        'p' => t.Hour < 12 ? "AM" : "PM",
        'P' => t.Hour < 12 ? "am" : "pm",
        'r' => Apply(t, "%I:%M:%S %p"),
        'R' => Apply(t, "%H:%M"),
        's' => new DateTimeOffset(DateTime.SpecifyKind(t, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(Names),
        'S' => Two(t.Second),
        't' => "\t",
        'T' or 'X' => Apply(t, "%H:%M:%S"),
        'u' => (t.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)t.DayOfWeek).ToString(Names),
        'U' => Two((t.DayOfYear + 6 - (int)t.DayOfWeek) / 7),
        'V' => Two(ISOWeek.GetWeekOfYear(t)),
        'w' => ((int)t.DayOfWeek).ToString(Names),
        'W' => Two((t.DayOfYear + 6 - ((int)t.DayOfWeek + 6) % 7) / 7),
        'y' => Two(t.Year % 100),
        'Y' => t.Year.ToString(Names),
        'z' or 'Z' => "",
        '%' => "%",
        _ => null,
    };

    private static string Two(int value) => value.ToString("00", Names);
}
