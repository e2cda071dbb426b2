namespace LowRank.Models.Tests.Templates;

/// <summary>The clock that the reference was made with: 2026-01-15 09:05:07 local time.</summary>
internal sealed class FixedClock : TimeProvider
{
    public static FixedClock Instance { get; } = new();

    public override DateTimeOffset GetUtcNow() => new(2026, 1, 15, 9, 5, 7, TimeSpan.Zero);

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
}
