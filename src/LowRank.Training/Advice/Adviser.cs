using System.Globalization;
using LowRank.Adapters;
using LowRank.Runtime.Memory;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Reports;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Settings;

namespace LowRank.Training.Advice;

/// <summary>Makes the recommendation of <c>lowrank advise</c> from the plan, the data and what the sources say.</summary>
public sealed class Adviser
{
    private const string Everything = "all-linear";
    private const string Few = "qv";
    private readonly ModelSource source;
    private readonly AdviceSettings settings;
    private readonly DeviceMemory? device;
    private readonly PlannedData data;
    private readonly long memory;
    private readonly string memoryOrigin;

    private Adviser(ModelSource source, AdviceSettings settings, CancellationToken cancellation)
    {
        (this.source, this.settings) = (source, settings);
        device = settings.Device is { } name ? DeviceMemory.Find(name) : null;
        (memory, memoryOrigin) = Planner.MemoryOf(settings.Memory, device);
        data = settings.Data is { } file ? PlannedData.Of(file, source, (int)Math.Min(2048, source.Shape.MaxPositions), cancellation)
            : settings.Examples is { } examples ? new PlannedData(examples, examples * settings.Length, PlannedData.AssumedShare, settings.Length, string.Create(CultureInfo.InvariantCulture, $"--examples of {settings.Length} tokens"), null)
            : throw new LowRankException("Which data? --data FILE, or --examples COUNT and --length TOKENS where there is no file yet.");
    }

    private long Usable => (long)(memory * MemoryBudget.UsableShare);

    private long Examples => data.Examples ?? 1;

    /// <summary>Recommends.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">Data, memory, purpose.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <exception cref="LowRankException">A setting or the data cannot be used.</exception>
    public static AdviceReport Advise(ModelSource model, AdviceSettings settings, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(settings);
        return new Adviser(model, settings, cancellation).Advise();
    }

    private AdviceReport Advise()
    {
        var assumed = data.Statistics?.Percentile95Length ?? data.LongestRow ?? settings.Length;
        var method = MethodAdvice.Of(memory, settings.Purpose, Predict("lora", 8, Everything, 1, assumed).Total, Predict("qlora", 8, Everything, 1, assumed).Total);
        var length = TrainingAdvice.Length(data, settings.Length, source.Shape.MaxPositions, tokens => Predict(method.Value, 8, Everything, 1, tokens).Total <= Usable);
        var tokens = int.Parse(length.Value, CultureInfo.InvariantCulture);
        var target = Target(method.Value, tokens);
        var rank = RankAdvice.Of(Examples, data.Tokens * data.SupervisedShare, settings.Purpose, r => Adapter(r, target.Value), r => Predict(method.Value, r, target.Value, 1, tokens).Total <= Usable);
        var r = int.Parse(rank.Value, CultureInfo.InvariantCulture);
        var epochs = TrainingAdvice.Epochs(Examples);
        var passes = double.Parse(epochs.Value, CultureInfo.InvariantCulture);
        var rows = TrainingAdvice.StepRows(Examples, passes);
        // Fewer rows at once cost little; computing activations again costs a third more time.
        var isKept = Predict(method.Value, r, target.Value, 1, tokens, checkpointing: false).Total <= Usable;
        var atOnce = rows;
        while (atOnce > 1 && Predict(method.Value, r, target.Value, atOnce, tokens, checkpointing: !isKept).Total > Usable) atOnce /= 2;
        var steps = (long)Math.Max(1, Math.Round(Examples * passes / rows));
        var plan = Predict(method.Value, r, target.Value, atOnce, tokens, checkpointing: !isKept);
        List<AdvisedChoice> choices =
        [
            method, target, rank, TrainingAdvice.Alpha(r), TrainingAdvice.LearningRate(source.Shape.Parameters, steps), epochs, .. TrainingAdvice.Batch(rows, atOnce, steps, isKept), length,
        ];
        if (Examples >= 50) choices.Add(new("validation", "0.1", "a tenth held out shows overfitting, which is the danger of a high rank and of many epochs.", Sources.Lecture("E1")));
        choices.Add(new("headroom", string.Create(CultureInfo.InvariantCulture, $"{100.0 * (memory - plan.Total) / memory:0} %"),
            $"the run is planned at {MemorySize.Gigabytes(plan.Total)} of {MemorySize.Gigabytes(memory)}{(isKept ? "" : ", with checkpointing")}; a fifth should stay free for what no plan foresees{(plan.Total > Usable ? ": this run does not fit, see lowrank plan for what to change" : "")}.", Sources.Lecture("T5")));
        var entries = Entries(choices);
        return new AdviceReport
        {
            Model = source.Name, Purpose = settings.Purpose, Parameters = source.Shape.Parameters, MemoryBytes = memory, MemoryOrigin = memoryOrigin, Data = data,
            Choices = choices, Disagreements = Disagreements(method.Value, r, target.Value, atOnce, tokens, !isKept), Settings = entries, Plan = plan, Fits = plan.Total <= Usable,
            Command = $"lowrank train {string.Join(' ', entries.Select(e => $"--{e.Key} {Quoted(e.Value!)}"))}",
        };
    }

    private AdvisedChoice Target(string method, int tokens)
    {
        if (Predict(method, 8, Everything, 1, tokens).Total > Usable && Predict(method, 8, Few, 1, tokens).Total <= Usable)
            return new("target", Few, "all linear layers do not fit in the memory, query and value do.", Sources.Lecture("T4", "E4"));
        return new("target", Everything, "adapters on every linear layer come nearest to full fine-tuning; on query and value alone they fall behind however high the rank, because most weights are in the MLP.", Sources.Both(Sources.Lecture("S4"), Sources.Qlora, Sources.WithoutRegret));
    }

    private List<Disagreement> Disagreements(string method, int rank, string target, int batch, int length, bool checkpointing)
    {
        string Cost(string m, int r, string t)
        {
            var adapter = Adapter(r, t);
            return string.Create(CultureInfo.InvariantCulture, $"{adapter.TrainableParameters:N0} parameters ({adapter.PercentOf(source.Shape):0.0000} %), file {MemorySize.Gigabytes(adapter.TrainableParameters * 4)}, peak {MemorySize.Gigabytes(Predict(m, r, t, batch, length, checkpointing).Total)}");
        }
        Opinion Rank(int r, string who) => new(string.Create(CultureInfo.InvariantCulture, $"r {r}"), who, Cost(method, r, target), r == rank);
        List<Opinion> ranks =
        [
            Rank(8, $"{Sources.Lecture("T2", "C3")}: begin small, under 1,000 examples stay there; also PEFT's default"),
            Rank(16, $"{Sources.Lecture("S1")}: balanced, recommended; LowRank's default"),
        ];
        if (rank is not (8 or 16)) ranks.Add(Rank(rank, $"{Sources.Lecture("C3")} by the number of examples, and by capacity"));
        ranks.Add(new("it hardly matters", $"{Sources.Qlora}: with adapters on all layers, ranks from 8 to 256 gave the same quality", "as above", false));
        return
        [
            new("Which rank to begin with?", ranks),
            new("Which layers?",
            [
                new(Few, $"{Sources.Lecture("T4", "E4")} and {Sources.Lora}: begin with query and value, more only at need", Cost(method, rank, Few), target == Few),
                new(Everything, $"{Sources.Qlora} and {Sources.WithoutRegret}: all linear layers, the MLP above all", Cost(method, rank, Everything), target == Everything),
            ]),
            new("LoRA or QLoRA?",
            [
                new("lora", $"{Sources.Lecture("C1")}: 24 GB or more, best quality, production", Cost("lora", rank, target), method == "lora"),
                new("qlora", $"{Sources.Lecture("C2", "T1")}: 16 GB or less, prototypes, private projects; start with it", Cost("qlora", rank, target), method == "qlora"),
            ]),
            new("Which alpha?",
            [
                new("r", $"{Sources.Lecture("T3")}: stable", "a scaling of 1", true),
                new("2r", "common in published recipes: learns faster", "a scaling of 2, no memory", false),
                new("32, whatever the rank", Sources.WithoutRegret, string.Create(CultureInfo.InvariantCulture, $"a scaling of {32.0 / rank:0.##} here, no memory"), false),
            ]),
        ];
    }

    private List<SettingEntry> Entries(List<AdvisedChoice> choices)
    {
        var model = source.Path is null && KnownModel.Find(source.Name) is { } known ? known.Hub : source.Name;
        var entries = new List<SettingEntry> { new("model", model, "advise"), new("data", settings.Data ?? "FILE", "advise") };
        entries.AddRange(choices.Where(c => SettingsSchema<TrainSettings>.Find(c.Key) is not null).Select(c => new SettingEntry(c.Key, c.Value, "advise")));
        if (settings.Memory is { } limit && device is null) entries.Add(new("memory", limit, "advise"));
        entries.Add(new("output", "out", "advise"));
        return entries;
    }

    private AdapterShape Adapter(int rank, string target) => AdapterShape.Of(source.Shape, rank, target);

    private MemoryPlan Predict(string method, int rank, string target, long batch, long length, bool checkpointing = true) => MemoryPlanner.Predict(source.Shape, new PlannedRun
    {
        Recipe = method == "qlora" ? TrainingRecipe.QloraDouble : TrainingRecipe.Lora,
        Adapter = Adapter(rank, target),
        Rows = batch,
        Length = length,
        SupervisedTokens = (long)Math.Ceiling(batch * length * data.SupervisedShare),
        CheckpointedLayers = checkpointing ? source.Shape.Layers : 0,
        ComputeBytes = PlannedRun.ActivationBytes(device?.Dtype),
        ProductBytes = PlannedRun.OperandBytes(device?.Dtype, isFull: false),
        StoredBytes = source.StoredBytes,
        Runtime = device is null ? null : DeviceMemory.Context,
    });

    private static string Quoted(string value) => value.AsSpan().IndexOfAny(" '\"$\\") < 0 ? value : $"'{value.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
