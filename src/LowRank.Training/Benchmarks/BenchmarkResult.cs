using System.Text.Json.Serialization;

namespace LowRank.Training.Benchmarks;

/// <summary>The figures of <c>lowrank bench</c>; the JSON keys are fixed.</summary>
public sealed record BenchmarkResult
{
    /// <summary>batch · length ÷ median step.</summary>
    [JsonPropertyName("tokens_per_second")]
    public required double TokensPerSecond { get; init; }

    /// <summary>Floating-point operations that a token needs.</summary>
    [JsonPropertyName("flops_per_token")]
    public required double FlopsPerToken { get; init; }

    /// <summary>fp32 matrix product of the same process, in GFLOP/s.</summary>
    [JsonPropertyName("gemm_fp32_gflops")]
    public required double GemmFp32Gflops { get; init; }

    /// <summary>bf16 matrix product of the same process, in GFLOP/s.</summary>
    [JsonPropertyName("gemm_bf16_gflops")]
    public required double GemmBf16Gflops { get; init; }

    /// <summary>fp32 or bf16.</summary>
    [JsonPropertyName("compute_dtype")]
    public required string ComputeDtype { get; init; }

    /// <summary>tokens/s · flops per token ÷ the peak of the compute dtype.</summary>
    [JsonPropertyName("peak_ratio")]
    public required double PeakRatio { get; init; }

    /// <summary>Highest resident memory of the process after the steps, mapped pages included, in MiB.</summary>
    [JsonPropertyName("peak_rss_mib")]
    public required double PeakRssMib { get; init; }

    /// <summary>From the start of the process to the beginning of the first step, without the measurement of the peak.</summary>
    [JsonPropertyName("seconds_to_first_step")]
    public required double SecondsToFirstStep { get; init; }

    /// <summary>Pages that a measured step had to fetch from the system (minor faults of the process, the median step); null where the system does not count them.</summary>
    [JsonPropertyName("minor_faults_per_step")]
    public required long? MinorFaultsPerStep { get; init; }

    /// <summary>With <see cref="BenchmarkSettings.Sustained"/>: the mean of matrix products of the compute dtype between steps, in GFLOP/s.</summary>
    [JsonPropertyName("gemm_sustained_gflops"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? GemmSustainedGflops { get; init; }

    /// <summary>The mean speed of the steps between them, in operations as <see cref="PeakRatio"/> counts them, ÷ <see cref="GemmSustainedGflops"/>.</summary>
    [JsonPropertyName("sustained_ratio"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? SustainedRatio { get; init; }
}
