using System.Diagnostics;
using LowRank.Layers;
using LowRank.Models.Generation;
using LowRank.Runtime;
using LowRank.Runtime.Memory;
using LowRank.Training.Planning.Shapes;
using TorchSharp;

namespace LowRank.Training.Benchmarks;

/// <summary>
/// The speed of generation beside what bounds it: taking in a prompt beside the GEMM peak of the same process, a token after it beside the bandwidth of memory. Random
/// prompts of the given length, the median of several after one more to warm up, then greedy tokens.
/// </summary>
public static class GenerationBenchmark
{
    private const int Tokens = 48;
    private const int WarmUpTokens = 8;

    /// <summary>Loads the model, measures and returns the figures.</summary>
    /// <param name="settings">Model, method (qlora: in 4 bits), rows, length of the prompt.</param>
    /// <param name="progress">Is told what is being done.</param>
    /// <param name="cancellation">Stops between passes.</param>
    public static GenerationBenchmarkResult Run(BenchmarkSettings settings, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        (settings, var opened) = BenchmarkModel.Open(settings, progress, cancellation);
        using var model = opened;
        var (random, spec) = (new Random(1), model.Decoder.Spec);
        var (read, peak) = (ReadBandwidth.MeasureBytesPerSecond(), GemmPeak.MeasureGflops(torch.ScalarType.Float32));
        var prefill = new List<double>();
        var decode = new List<double>();
        (double Token, double Sum)? sustained = null;
        for (var i = 0; i <= settings.Steps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            // Prompts that begin alike would share that part.
            int[][] prompts = [.. Enumerable.Range(0, settings.Batch).Select(row => Enumerable.Range(0, settings.Length).Select(at => at == 0 ? row % (int)spec.VocabularySize : random.Next((int)spec.VocabularySize)).ToArray())];
            var start = Stopwatch.GetTimestamp();
            using var batch = DecodingBatch.Prefill(model.Decoder, prompts, settings.Sustained ? 2 * Tokens : Tokens);
            var elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (i > 0) prefill.Add(elapsed);
            progress?.Invoke(FormattableString.Invariant($"prompt {i} of {settings.Steps}: {elapsed:f2} s{(i == 0 ? " (warm-up)" : "")}"));
            if (i < settings.Steps) continue;
            for (var token = 0; token < Tokens; token++)
            {
                var seconds = NextToken(batch);
                if (token >= WarmUpTokens) decode.Add(seconds);
            }
            if (settings.Sustained) sustained = MeasureSustained(batch);
        }
        (read, peak) = (Math.Max(read, ReadBandwidth.MeasureBytesPerSecond()), Math.Max(peak, GemmPeak.MeasureGflops(torch.ScalarType.Float32)));
        prefill.Sort();
        decode.Sort();
        var (ofPrompt, ofToken) = (prefill[prefill.Count / 2], decode[decode.Count / 2]);
        var shape = ModelShape.Of(spec);
        // Each weight of a layer once for each token, the head for the last one; of attention the half below the diagonal.
        var flops = settings.Batch * (settings.Length * (2.0 * shape.PassedWeights + 2.0 * settings.Length * shape.QueryWidth * shape.Layers) + 2.0 * shape.HeadWeights);
        var bytes = model.Decoder.Slots.OfType<LinearSlot>().Sum(slot => slot.Module is FrozenLinear frozen ? frozen.Weight.StoredBytes : 0);
        return new GenerationBenchmarkResult
        {
            PrefillTokensPerSecond = settings.Batch * settings.Length / ofPrompt,
            PrefillPeakRatio = flops / ofPrompt / 1e9 / peak,
            DecodeTokensPerSecond = settings.Batch / ofToken,
            WeightBytesPerStep = bytes,
            DecodeBandwidthRatio = bytes / ofToken / read,
            ReadGbPerSecond = read / 1e9,
            GemmFp32Gflops = peak,
            ComputeDtype = settings.Dtype!,
            ReadSustainedGbPerSecond = sustained is { } between ? MemorySum.Bytes / between.Sum / 1e9 : null,
            DecodeSustainedRatio = sustained is { } mean ? bytes / mean.Token / (MemorySum.Bytes / mean.Sum) : null,
            PeakRssMib = ProcessMemory.Read().PeakResidentBytes / 1048576.0,
        };

        double NextToken(DecodingBatch batch)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            batch.Append([.. Enumerable.Range(0, settings.Batch).Select(row => (ReadOnlyMemory<int>)new[] { TokenChooser.Best(batch.Logits(row)) })]);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        // Mean seconds of a token and of the sums over memory between tokens.
        (double Token, double Sum) MeasureSustained(DecodingBatch batch)
        {
            using var sum = new MemorySum();
            sum.Seconds();
            var (ofTokens, ofSums) = (0.0, 0.0);
            for (var token = 0; token < Tokens; token++)
            {
                ofTokens += NextToken(batch);
                ofSums += sum.Seconds();
            }
            return (ofTokens / Tokens, ofSums / Tokens);
        }
    }
}
