using System.Text.Json.Serialization;

namespace LowRank.Training.Benchmarks;

/// <summary>The figures of <c>lowrank bench --measure generation</c>; the JSON keys are fixed.</summary>
public sealed record GenerationBenchmarkResult
{
    /// <summary>Tokens of the prompt, all rows together, ÷ median time to take it in.</summary>
    [JsonPropertyName("prefill_tokens_per_second")]
    public required double PrefillTokensPerSecond { get; init; }

    /// <summary>Floating-point operations of the prompt ÷ its time ÷ the peak of matrix products.</summary>
    [JsonPropertyName("prefill_peak_ratio")]
    public required double PrefillPeakRatio { get; init; }

    /// <summary>Rows ÷ median time of a step of generation after the prompt.</summary>
    [JsonPropertyName("decode_tokens_per_second")]
    public required double DecodeTokensPerSecond { get; init; }

    /// <summary>Bytes of weights that a step reads.</summary>
    [JsonPropertyName("weight_bytes_per_step")]
    public required double WeightBytesPerStep { get; init; }

    /// <summary>Bytes of weights a second ÷ what the machine reads.</summary>
    [JsonPropertyName("decode_bandwidth_ratio")]
    public required double DecodeBandwidthRatio { get; init; }

    /// <summary>Memory that the machine reads in a second, in 10⁹ bytes.</summary>
    [JsonPropertyName("read_gb_per_second")]
    public required double ReadGbPerSecond { get; init; }

    /// <summary>With <see cref="BenchmarkSettings.Sustained"/>: the mean of what the machine read between tokens, in 10⁹ bytes a second.</summary>
    [JsonPropertyName("read_sustained_gb_per_second"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? ReadSustainedGbPerSecond { get; init; }

    /// <summary>Bytes of weights a second, as the mean of the tokens between, ÷ <see cref="ReadSustainedGbPerSecond"/>.</summary>
    [JsonPropertyName("decode_sustained_ratio"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? DecodeSustainedRatio { get; init; }

    /// <summary>fp32 matrix product of the same process, in GFLOP/s.</summary>
    [JsonPropertyName("gemm_fp32_gflops")]
    public required double GemmFp32Gflops { get; init; }

    /// <summary>fp32 or bf16.</summary>
    [JsonPropertyName("compute_dtype")]
    public required string ComputeDtype { get; init; }

    /// <summary>Highest resident memory of the process, mapped pages included, in MiB.</summary>
    [JsonPropertyName("peak_rss_mib")]
    public required double PeakRssMib { get; init; }
}
