using System.Diagnostics;
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Generation;
using LowRank.Runtime.Memory;
using LowRank.Training.Settings;

namespace LowRank.Training.Benchmarks;

/// <summary>
/// Many adapters over one base: what they add to its memory, and how much longer a batch takes whose rows use different ones than the same batch with one for all. The two are measured in turn, so
/// that what else the machine does falls on both.
/// </summary>
internal static class AdaptersBenchmark
{
    private const int Tokens = 16;
    private const int WarmUpTokens = 2;

    /// <summary>Loads the model, measures and returns the figures.</summary>
    /// <param name="settings">Model, method (qlora: in 4 bits), kind, rank and number of adapters, rows, length of the prompt.</param>
    /// <param name="progress">Is told what is being done.</param>
    /// <param name="cancellation">Stops between passes.</param>
    public static AdaptersBenchmarkResult Run(BenchmarkSettings settings, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        if (settings.Method == "full") throw new LowRankException("--measure adapters has none with --method full. Take lora or qlora.");
        (settings, var opened) = BenchmarkModel.Open(settings, progress, cancellation);
        using var model = opened;
        var random = new Random(1);
        // The first pass brings mapped weights into memory.
        Measure(model, settings, random, cancellation);
        var before = Resident();
        var many = model.HoldAdapters();
        var config = new AdapterSettings { Variant = settings.Variant, Rank = settings.Rank, Target = settings.Target }.ToConfig();
        if (config is LoraConfig lora) config = lora with { Initialization = LoraInitialization.Random };
        progress?.Invoke($"Adding {settings.Adapters} adapters");
        for (var i = 0; i < settings.Adapters; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            many.Add(Name(i), config, seed: i);
        }
        var different = Math.Min(settings.Batch, settings.Adapters);
        string[] mixed = [.. Enumerable.Range(0, settings.Batch).Select(row => Name(row % different))];
        var (one, each) = (new Times(), new Times());
        for (var i = 0; i <= settings.Steps; i++)
        {
            many.Use(Name(0));
            var alone = Measure(model, settings, random, cancellation);
            many.UseRows(mixed);
            var together = Measure(model, settings, random, cancellation);
            progress?.Invoke(FormattableString.Invariant($"pass {i} of {settings.Steps}: prompt {alone.Prefill:f3} s with one, {together.Prefill:f3} s mixed{(i == 0 ? " (warm-up)" : "")}"));
            if (i == 0) continue;
            one.Add(alone);
            each.Add(together);
        }
        var after = Resident();
        const double Mib = 1048576.0;
        return new AdaptersBenchmarkResult
        {
            Adapters = settings.Adapters,
            AdapterMib = many.Bytes / Mib / settings.Adapters,
            AdaptersMib = many.Bytes / Mib,
            BaseRssMib = before / Mib,
            AddedRssMib = (after - before) / Mib,
            Batch = settings.Batch,
            AdaptersInBatch = different,
            OnePrefillSeconds = Median(one.Prefill),
            MixedPrefillSeconds = Median(each.Prefill),
            OneDecodeSeconds = Median(one.Decode),
            MixedDecodeSeconds = Median(each.Decode),
        };
    }

    private static string Name(int i) => FormattableString.Invariant($"adapter {i}");

    private static (double Prefill, List<double> Decode) Measure(LanguageModel model, BenchmarkSettings settings, Random random, CancellationToken cancellation)
    {
        var vocabulary = (int)model.Decoder.Spec.VocabularySize;
        // Prompts that begin alike would share that part.
        int[][] prompts = [.. Enumerable.Range(0, settings.Batch).Select(row => Enumerable.Range(0, settings.Length).Select(at => at == 0 ? row % vocabulary : random.Next(vocabulary)).ToArray())];
        var start = Stopwatch.GetTimestamp();
        using var batch = DecodingBatch.Prefill(model.Decoder, prompts, Tokens);
        var (prefill, decode) = (Stopwatch.GetElapsedTime(start).TotalSeconds, new List<double>());
        for (var token = 0; token < Tokens; token++)
        {
            cancellation.ThrowIfCancellationRequested();
            start = Stopwatch.GetTimestamp();
            batch.Append([.. Enumerable.Range(0, settings.Batch).Select(row => (ReadOnlyMemory<int>)new[] { TokenChooser.Best(batch.Logits(row)) })]);
            if (token >= WarmUpTokens) decode.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return (prefill, decode);
    }

    private static long Resident() => ProcessMemory.Read().ResidentBytes;

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }

    private sealed class Times
    {
        public List<double> Prefill { get; } = [];

        public List<double> Decode { get; } = [];

        public void Add((double Prefill, List<double> Decode) times)
        {
            Prefill.Add(times.Prefill);
            Decode.AddRange(times.Decode);
        }
    }
}
