namespace LowRank.Adapters.Combining;

/// <summary>Settings as text.</summary>
internal static class CombineText
{
    /// <summary>PEFT's name of an election.</summary>
    public static string Of(MajoritySign sign) => sign == MajoritySign.Total ? "total" : "frequency";

    /// <summary>A list that may be absent, to compare by.</summary>
    public static string? Of<T>(IReadOnlyList<T>? list) => list is null ? null : string.Join(',', list);
}
