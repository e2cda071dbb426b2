using System.CommandLine;
using System.Globalization;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Training.Benchmarks;
using LowRank.Training.Settings;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank bench</c>: the speed of the training step, or of generation, beside what bounds it in the same process.</summary>
internal static class BenchVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var verb = new VerbCommand("bench", "Measure the training step, or generation, beside what bounds it in the same process, or many adapters over one base.",
            "lowrank bench --model SmolLM2-135M-Instruct.Q4_1.gguf --method lora --batch 4 --length 512 --json", "lowrank bench --shape qwen2.5-0.5b --method qlora --batch 2", "lowrank bench --model SmolLM2-135M-Instruct.Q4_1.gguf --measure generation --batch 1",
            "lowrank bench --shape tinyllama-1.1b --measure adapters --adapters 100 --rank 16 --batch 8 --length 128");
        var options = new SettingsOptions(SettingsSchema<BenchmarkSettings>.All);
        options.AddTo(verb);
        var json = new Option<bool>("--json") { Description = "Print the figures as JSON." };
        verb.Add(json);
        verb.SetAction(async (parsed, cancellation) =>
        {
            var settings = SettingsBinder.Read<BenchmarkSettings>(options.Entries(parsed));
            SettingsBinder.RequireComplete(settings);
            if (settings.Measure == "generation")
            {
                var generation = await Task.Run(() => GenerationBenchmark.Run(settings, screen.Progress, cancellation), cancellation).ConfigureAwait(false);
                if (parsed.GetValue(json)) screen.Json(generation);
                else Print(screen, generation);
                return ExitCode.Done;
            }
            if (settings.Measure == "adapters")
            {
                var many = await Task.Run(() => AdaptersBenchmark.Run(settings, screen.Progress, cancellation), cancellation).ConfigureAwait(false);
                if (parsed.GetValue(json)) screen.Json(many);
                else Print(screen, many);
                return ExitCode.Done;
            }
            var result = await Task.Run(() => TrainingBenchmark.Run(settings, screen.Progress, cancellation), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(json)) screen.Json(result);
            else Print(screen, result);
            return ExitCode.Done;
        });
        return verb;
    }

    private static void Print(Screen screen, GenerationBenchmarkResult result) => screen.Fields(
    [
        ("prompt", string.Create(CultureInfo.InvariantCulture, $"{result.PrefillTokensPerSecond:N0} tokens/s, {Quantity.Percent(result.PrefillPeakRatio)} of the matrix product's {result.GemmFp32Gflops:N0} GFLOP/s")),
        ("generation", string.Create(CultureInfo.InvariantCulture, $"{result.DecodeTokensPerSecond:N1} tokens/s, {Quantity.Percent(result.DecodeBandwidthRatio)} of the {result.ReadGbPerSecond:N1} GB/s that memory gives")),
        .. result.DecodeSustainedRatio is { } share ? [("share over some time", string.Create(CultureInfo.InvariantCulture, $"{Quantity.Percent(share)} of the {result.ReadSustainedGbPerSecond:N1} GB/s that sums between the tokens had"))] : Array.Empty<(string, string)>(),
        ("weights of a step", string.Create(CultureInfo.InvariantCulture, $"{result.WeightBytesPerStep / 1e6:N0} MB")),
        ("peak memory", string.Create(CultureInfo.InvariantCulture, $"{result.PeakRssMib:N0} MiB")),
    ]);

    private static void Print(Screen screen, AdaptersBenchmarkResult result) => screen.Fields(
    [
        ("base in memory", string.Create(CultureInfo.InvariantCulture, $"{result.BaseRssMib:N0} MiB")),
        ("adapters", string.Create(CultureInfo.InvariantCulture, $"{result.Adapters} of {result.AdapterMib:N1} MiB: {result.AdaptersMib:N0} MiB, and memory grew by {result.AddedRssMib:N0} MiB ({result.MemoryRatio:0.00} of them)")),
        ("rows of a batch", string.Create(CultureInfo.InvariantCulture, $"{result.Batch}, with one adapter or with {result.AdaptersInBatch}")),
        ("prompt", string.Create(CultureInfo.InvariantCulture, $"{result.OnePrefillSeconds:0.000} s with one, {result.MixedPrefillSeconds:0.000} s mixed: {result.PrefillRatio:0.00} times as long")),
        ("a token after it", string.Create(CultureInfo.InvariantCulture, $"{1e3 * result.OneDecodeSeconds:0.0} ms with one, {1e3 * result.MixedDecodeSeconds:0.0} ms mixed: {result.DecodeRatio:0.00} times as long")),
    ]);

    private static void Print(Screen screen, BenchmarkResult result) => screen.Fields(
    [
        ("training", string.Create(CultureInfo.InvariantCulture, $"{result.TokensPerSecond:N0} tokens/s")),
        ("work of a token", string.Create(CultureInfo.InvariantCulture, $"{result.FlopsPerToken / 1e6:N1} Mflop")),
        ("matrix product fp32", string.Create(CultureInfo.InvariantCulture, $"{result.GemmFp32Gflops:N0} GFLOP/s")),
        ("matrix product bf16", string.Create(CultureInfo.InvariantCulture, $"{result.GemmBf16Gflops:N0} GFLOP/s")),
        ("share of the peak", $"{Quantity.Percent(result.PeakRatio)} of {result.ComputeDtype}"),
        .. result.SustainedRatio is { } share ? [("share over some time", string.Create(CultureInfo.InvariantCulture, $"{Quantity.Percent(share)} of the {result.GemmSustainedGflops:N0} GFLOP/s that products between the steps had"))] : Array.Empty<(string, string)>(),
        ("peak memory", string.Create(CultureInfo.InvariantCulture, $"{result.PeakRssMib:N0} MiB")),
        ("page faults of a step", result.MinorFaultsPerStep is { } faults ? string.Create(CultureInfo.InvariantCulture, $"{faults:N0}") : "not counted by this system"),
        ("first step after", Quantity.Time(TimeSpan.FromSeconds(result.SecondsToFirstStep))),
    ]);
}
