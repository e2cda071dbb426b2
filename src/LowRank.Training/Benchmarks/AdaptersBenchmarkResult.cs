using System.Text.Json.Serialization;

namespace LowRank.Training.Benchmarks;

/// <summary>The figures of <c>lowrank bench --measure adapters</c>; the JSON keys are fixed.</summary>
internal sealed record AdaptersBenchmarkResult
{
    /// <summary>Adapters over the base.</summary>
    [JsonPropertyName("adapters")]
    public required int Adapters { get; init; }

    /// <summary>Values of one adapter, in MiB.</summary>
    [JsonPropertyName("adapter_mib")]
    public required double AdapterMib { get; init; }

    /// <summary>Values of all, in MiB: what they need at least.</summary>
    [JsonPropertyName("adapters_mib")]
    public required double AdaptersMib { get; init; }

    /// <summary>Resident memory with the base alone, after a pass, in MiB.</summary>
    [JsonPropertyName("base_rss_mib")]
    public required double BaseRssMib { get; init; }

    /// <summary>By how much it grew with the adapters and a pass of each of a batch's rows, in MiB.</summary>
    [JsonPropertyName("added_rss_mib")]
    public required double AddedRssMib { get; init; }

    /// <summary>What was added by what the adapters need.</summary>
    [JsonPropertyName("memory_ratio")]
    public double MemoryRatio => AddedRssMib / AdaptersMib;

    /// <summary>Rows of a batch.</summary>
    [JsonPropertyName("batch")]
    public required int Batch { get; init; }

    /// <summary>Different adapters in the mixed batch.</summary>
    [JsonPropertyName("adapters_in_batch")]
    public required int AdaptersInBatch { get; init; }

    /// <summary>Median time to take in the prompts with one adapter for all rows, in seconds.</summary>
    [JsonPropertyName("one_prefill_seconds")]
    public required double OnePrefillSeconds { get; init; }

    /// <summary>The same with the mixed batch.</summary>
    [JsonPropertyName("mixed_prefill_seconds")]
    public required double MixedPrefillSeconds { get; init; }

    /// <summary>Mixed by one.</summary>
    [JsonPropertyName("prefill_ratio")]
    public double PrefillRatio => MixedPrefillSeconds / OnePrefillSeconds;

    /// <summary>Median time of a token of each row after the prompts, with one adapter for all rows, in seconds.</summary>
    [JsonPropertyName("one_decode_seconds")]
    public required double OneDecodeSeconds { get; init; }

    /// <summary>The same with the mixed batch.</summary>
    [JsonPropertyName("mixed_decode_seconds")]
    public required double MixedDecodeSeconds { get; init; }

    /// <summary>Mixed by one.</summary>
    [JsonPropertyName("decode_ratio")]
    public double DecodeRatio => MixedDecodeSeconds / OneDecodeSeconds;
}
