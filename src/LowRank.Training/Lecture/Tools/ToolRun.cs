using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Layers;
using LowRank.Models;
using LowRank.Runtime.Interop;
using LowRank.Training.Events;
using LowRank.Training.Import;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Settings;
using LowRank.Training.Trackers;
using LowRank.Training.Trackers.Wandb;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Tools;

/// <summary>
/// One run as those have it who come from the tools that the lecture names: settings of LLaMA-Factory, kept by Weights &amp; Biases, its adapter in PEFT's files. What the claims about these tools ask for is
/// read from its folder, which is removed afterwards.
/// </summary>
internal sealed record ToolRun
{
    private const int Rank = 8, Alpha = 16;

    /// <summary>The losses of its steps.</summary>
    public required IReadOnlyList<double> Losses { get; init; }

    /// <summary>Keys of LLaMA-Factory's file.</summary>
    public required int Keys { get; init; }

    /// <summary>Those that became settings.</summary>
    public required int Carried { get; init; }

    /// <summary>Those that the result does not depend on.</summary>
    public required int WithoutEffect { get; init; }

    /// <summary>Those that LowRank does not know.</summary>
    public required int Unknown { get; init; }

    /// <summary>Tensors in the adapter's file.</summary>
    public required int Tensors { get; init; }

    /// <summary>Those under names of PEFT's LoRA.</summary>
    public required int Named { get; init; }

    /// <summary>The largest difference of a merged weight from <c>W + alpha/r · B·A</c> over the file's tensors, as a share of the largest weight.</summary>
    public required double MergeDifference { get; init; }

    /// <summary>The held-out loss behind the last step.</summary>
    public required double HeldOutLoss { get; init; }

    /// <summary>The held-out loss of a fresh model with the adapter read from its files.</summary>
    public required double HeldOutLossAgain { get; init; }

    /// <summary>Rows of history in the file of Weights &amp; Biases.</summary>
    public required int HistoryRows { get; init; }

    /// <summary>Settings of the run there.</summary>
    public required int TrackedSettings { get; init; }

    /// <summary>The training loss of its last row.</summary>
    public required double TrackedLoss { get; init; }

    /// <summary>How the run ended there; 0 is a run that came to its end.</summary>
    public required int ExitCode { get; init; }

    /// <summary>The run, made once.</summary>
    public static ToolRun Of(LectureLaboratory laboratory) => laboratory.Once("tools", () =>
    {
        var folder = Directory.CreateTempSubdirectory("lowrank-tools-").FullName;
        try
        {
            return Make(laboratory, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    });

    private static ToolRun Make(LectureLaboratory laboratory, string folder)
    {
        var (file, output) = (Path.Combine(folder, "llama-factory.yaml"), Path.Combine(folder, "out"));
        var written = Written(laboratory, output);
        File.WriteAllLines(file, written.Select(k => $"{k.Key}: {k.Value}"));
        var imported = ConfigImport.Read([file], new ImportOptions { Data = laboratory.TrainingFile });
        var settings = imported.Bind();
        settings = settings with
        {
            Model = settings.Model with { Device = "cpu", Threads = laboratory.Threads },
            Trackers = settings.Trackers with { Tracker = TrackerNames.Wandb },
            Evaluation = settings.Evaluation with { Samples = 0 },
        };
        var (losses, heldOut) = Train(laboratory, settings);
        var log = OfflineRun.Read(WandbFolder.LogsAt(output).Single());
        var (tensors, named, difference, again) = Adapter(laboratory, output);
        return new ToolRun
        {
            Losses = losses,
            Keys = written.Count,
            Carried = written.Keys.Count(key => imported.Lines.Values.Any(l => l.Origin.Contains(key, StringComparison.Ordinal))),
            WithoutEffect = written.Keys.Count(key => imported.WithoutEffect.Any(w => w.Key == key)),
            Unknown = imported.Unknown.Count,
            Tensors = tensors,
            Named = named,
            MergeDifference = difference,
            HeldOutLoss = heldOut,
            HeldOutLossAgain = again,
            HistoryRows = log.HistoryLines,
            TrackedSettings = JsonNode.Parse(log.Config.ToJson())!.AsObject().Count,
            TrackedLoss = JsonNode.Parse(log.History(log.HistoryLines - 1).Single())![RunScalars.Loss]!.GetValue<double>(),
            ExitCode = log.Exit?.ExitCode ?? -1,
        };
    }

    // As LLaMA-Factory's examples (examples/train_lora) are written.
    private static Dictionary<string, string> Written(LectureLaboratory laboratory, string output) => new(StringComparer.Ordinal)
    {
        ["model_name_or_path"] = JsonSerializer.Serialize(laboratory.ModelPath),
        ["stage"] = "sft",
        ["do_train"] = "true",
        ["finetuning_type"] = "lora",
        ["lora_rank"] = $"{Rank}",
        ["lora_alpha"] = $"{Alpha}",
        ["lora_target"] = "all",
        ["dataset"] = "course",
        ["cutoff_len"] = "512",
        ["preprocessing_num_workers"] = "4",
        ["output_dir"] = JsonSerializer.Serialize(output),
        ["logging_steps"] = "10",
        ["plot_loss"] = "true",
        ["overwrite_output_dir"] = "true",
        ["per_device_train_batch_size"] = "8",
        ["gradient_accumulation_steps"] = "1",
        ["learning_rate"] = laboratory.IsTiny ? "5.0e-3" : "5.0e-4",
        ["max_steps"] = (laboratory.IsTiny ? 24 : 6).ToString(CultureInfo.InvariantCulture),
        ["lr_scheduler_type"] = "cosine",
        ["warmup_ratio"] = "0.1",
    };

    private static (IReadOnlyList<double> Losses, double HeldOutLoss) Train(LectureLaboratory laboratory, TrainSettings settings)
    {
        laboratory.Say($"Training: the settings of a LLaMA-Factory file, lora of rank {Rank}, alpha {Alpha}");
        using var run = TrainingRun.Create(settings, cancellation: laboratory.Cancellation);
        var losses = new List<double>();
        foreach (var e in run.TrainAsync(laboratory.Cancellation).ToBlockingEnumerable(laboratory.Cancellation))
            if (e is StepCompleted step) losses.Add(step.Loss);
        laboratory.Cancellation.ThrowIfCancellationRequested();
        return (losses, laboratory.HeldOutLoss(run.Model));
    }

    private static (int Tensors, int Named, double MergeDifference, double HeldOutLoss) Adapter(LectureLaboratory laboratory, string output)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var folder = AdapterFolder.Open(output);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "adapter_config.json")))!;
        var scale = config["lora_alpha"]!.GetValue<double>() / config["r"]!.GetValue<int>();
        using var model = laboratory.Load();
        model.LoadAdapter(output);
        var loss = laboratory.HeldOutLoss(model);
        var slots = model.Decoder.Slots.OfType<LinearSlot>().ToDictionary(s => $"{s.Name}.weight", StringComparer.Ordinal);
        var (largest, difference) = (0.0, 0.0);
        // One matrix at a time: all of them in fp32 are as large as the model.
        foreach (var (name, merged) in model.Adapter!.MergedTensors())
        {
            using var one = NewDisposeScope();
            using var value = merged;
            if (!slots.TryGetValue(name, out var slot)) continue;
            var byHand = slot.FrozenBase().Weight.Dequantize(0, slot.Module.OutFeatures).add(Scalars.Of(scale) * Read(folder, slot.Name, AdapterTensorKind.LoraB).matmul(Read(folder, slot.Name, AdapterTensorKind.LoraA)), Scalars.One);
            largest = Math.Max(largest, byHand.abs().max().item<float>());
            difference = Math.Max(difference, (byHand - value).abs().max().item<float>());
        }
        return (folder.Weights.Tensors.Count, folder.Weights.Tensors.Count(t => AdapterKeys.ToName(t.Name) is { } name && AdapterKeys.Parse(name).Kind is AdapterTensorKind.LoraA or AdapterTensorKind.LoraB), difference / largest, loss);
    }

    private static Tensor Read(AdapterFolder folder, string module, AdapterTensorKind kind)
    {
        var key = AdapterKeys.ToKey(AdapterKeys.NameOf(module, kind));
        var info = folder.Weights.TryGet(key, out var found) ? found : throw new AdapterException(folder.Path, $"{key} is missing.");
        var values = new float[info.Elements];
        folder.TryRead(key, values);
        return tensor(values, info.Shape);
    }
}
