using System.Diagnostics;
using LowRank.Models;
using LowRank.Optimizers;
using LowRank.Runtime;
using LowRank.Runtime.ComputeTypes;
using LowRank.Runtime.Memory;
using LowRank.Training.Methods;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Settings;
using TorchSharp;

namespace LowRank.Training.Benchmarks;

/// <summary>
/// The speed of the training step beside the GEMM peak of the same process: random ids, the labels of the first half of each row masked, the median step after one
/// warm-up. The ratio of the two compares across machines, which seconds do not.
/// </summary>
public static class TrainingBenchmark
{
    /// <summary>Loads the model, measures both and returns the figures.</summary>
    /// <param name="settings">Model, method, sizes.</param>
    /// <param name="progress">Is told what is being done.</param>
    /// <param name="cancellation">Stops between steps.</param>
    public static BenchmarkResult Run(BenchmarkSettings settings, Action<string>? progress = null, CancellationToken cancellation = default)
    {
        (settings, var opened) = BenchmarkModel.Open(settings, progress, cancellation);
        using var model = opened;
        TrainedWeights weights = settings.Method == "full" ? new FullWeights(model)
            : new LoraWeights(model, model.Attach(new AdapterSettings { Variant = settings.Variant, Rank = settings.Rank, Target = settings.Target }.ToConfig()));
        using var flat = new FlatParameters(weights.Parameters);
        using var optimizer = new AdamW(flat, new AdamWSettings(WeightDecay: 0));
        weights.Begin(flat, (settings.Sustained ? 2 : 1) * settings.Steps + 1);
        var (seconds, faults) = (new List<double>(), new List<long?>());
        using var process = Process.GetCurrentProcess();
        var toFirst = (TimeProvider.System.GetLocalNow() - process.StartTime).TotalSeconds;
        // Two peaks around the steps: the larger is what the machine could do in that time. The bf16 one comes last, it has no part in an fp32 step.
        var peakBefore = GemmPeak.MeasureGflops(torch.ScalarType.Float32, model.Decoder.Device);
        var random = new Random(1);
        for (var i = 0; i <= settings.Steps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var faultsBefore = PageFaults.Minor();
            var (elapsed, loss) = Step(i);
            if (i > 0)
            {
                seconds.Add(elapsed);
                faults.Add(PageFaults.Minor() - faultsBefore);
            }
            progress?.Invoke(FormattableString.Invariant($"step {i} of {settings.Steps}: {elapsed:f2} s, loss {loss:f3}{(i == 0 ? " (warm-up)" : "")}"));
        }
        var rss = ProcessMemory.Read().PeakResidentBytes;
        var sustained = settings.Sustained ? MeasureSustained() : ((double Steps, double Gemm)?)null;
        weights.End();
        var fp32 = Math.Max(peakBefore, GemmPeak.MeasureGflops(torch.ScalarType.Float32, model.Decoder.Device));
        var bf16 = GemmPeak.MeasureGflops(torch.ScalarType.BFloat16, model.Decoder.Device);
        seconds.Sort();
        faults.Sort();
        var tokensPerSecond = settings.Batch * (double)settings.Length / seconds[seconds.Count / 2];
        var flops = ModelShape.Of(model.Decoder.Spec).FlopsPerToken(settings.Length, SupervisedShare);
        return new BenchmarkResult
        {
            TokensPerSecond = tokensPerSecond,
            FlopsPerToken = flops,
            GemmFp32Gflops = fp32,
            GemmBf16Gflops = bf16,
            ComputeDtype = settings.Dtype!,
            PeakRatio = tokensPerSecond * flops / 1e9 / (settings.Dtype switch { "bf16" => bf16, "fp16" => GemmPeak.MeasureGflops(torch.ScalarType.Float16, model.Decoder.Device), _ => fp32 }),
            PeakRssMib = rss / 1048576.0,
            SecondsToFirstStep = toFirst,
            MinorFaultsPerStep = faults[faults.Count / 2],
            GemmSustainedGflops = sustained?.Gemm,
            SustainedRatio = sustained is { } mean ? mean.Steps * flops / 1e9 / mean.Gemm : null,
        };

        (double Seconds, double Loss) Step(int i)
        {
            var batch = RandomBatch(settings.Batch, settings.Length, (int)model.Decoder.Spec.VocabularySize, random);
            var begin = Stopwatch.GetTimestamp();
            var loss = CausalLoss.Backward(model.Decoder, batch, 1.0 / batch.SupervisedTokens, settings.Checkpointing == "full" ? model.Decoder.Spec.Layers : 0) / batch.SupervisedTokens;
            weights.AddPenalty();
            flat.ClipGradientNorm(1);
            optimizer.Step(1e-4);
            weights.AfterStep(i);
            flat.ZeroGradients();
            return (Stopwatch.GetElapsedTime(begin).TotalSeconds, loss);
        }

        // Tokens a second of steps, and GFLOP/s of products before, between and after them, both as means over their time.
        (double Steps, double Gemm) MeasureSustained()
        {
            var type = ComputeTypeChoice.TypeOf(settings.Dtype);
            var (operations, ofGemm) = GemmPeak.MeasureMean(type, model.Decoder.Device);
            var ofSteps = 0.0;
            for (var i = 0; i < settings.Steps; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                var elapsed = Step(settings.Steps + 1 + i).Seconds;
                ofSteps += elapsed;
                var (more, time) = GemmPeak.MeasureMean(type, model.Decoder.Device);
                (operations, ofGemm) = (operations + more, ofGemm + time);
                progress?.Invoke(FormattableString.Invariant($"step {i + 1} of {settings.Steps} between products: {elapsed:f2} s, {more / time / 1e9:f0} GFLOP/s after it"));
            }
            return (settings.Steps * settings.Batch * (double)settings.Length / ofSteps, operations / ofGemm / 1e9);
        }
    }

    /// <summary>The share of supervised tokens in a benchmark.</summary>
    public const double SupervisedShare = 0.5;

    private static Batch RandomBatch(int rows, int length, int vocabulary, Random random)
    {
        var count = rows * length;
        var (ids, labels, positions, sequences) = (new long[count], new long[count], new long[count], new long[count]);
        for (var i = 0; i < count; i++)
        {
            ids[i] = random.Next(vocabulary);
            positions[i] = i % length;
            sequences[i] = 1;
            labels[i] = i % length < length / 2 ? Batch.IgnoredLabel : ids[i];
        }
        return new Batch
        {
            Rows = rows, Length = length, InputIds = ids, Labels = labels, Positions = positions, SequenceIds = sequences,
            SupervisedTokens = rows * (length - length / 2), Tokens = count, Examples = [], IsPacked = false,
        };
    }
}
