using System.Globalization;

namespace LowRank.Cli.Terminal;

/// <summary>Numbers as people read them.</summary>
internal static class Quantity
{
    /// <summary>A count with commas: 4,884,480.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Bytes in KiB, in MiB from 1 MiB on, in GiB from 10 GiB on.</summary>
    public static string Bytes(long value) => value switch
    {
        < 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{value / (double)(1L << 10):0.#} KiB"),
        < 10L << 30 => string.Create(CultureInfo.InvariantCulture, $"{value / (double)(1L << 20):N0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value / (double)(1L << 30):0.0} GiB"),
    };

    /// <summary>A time of seconds, minutes or hours: <c>4.2 s</c>, <c>3 min 20 s</c>, <c>2 h 5 min</c>.</summary>
    public static string Time(TimeSpan value) => value.TotalSeconds switch
    {
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:0.0} s"),
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)value.TotalMinutes} min {value.Seconds} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)value.TotalHours} h {value.Minutes} min"),
    };

    /// <summary>A share as a percentage with one decimal.</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    /// <summary>A loss with four decimals.</summary>
    public static string Loss(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    /// <summary>A learning rate with two digits: <c>2.0e-04</c>.</summary>
    public static string Rate(double value) => value == 0 ? "0" : value.ToString("0.0e-00", CultureInfo.InvariantCulture);
}
