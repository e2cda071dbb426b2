using System.Globalization;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Planning.Reports;

/// <summary>What follows from a plan: the best way that fits, or what to change when none does.</summary>
internal static class PlanAdvice
{
    private const int ShortLength = 256;

    /// <summary>Plans one way to train: model, recipe, adapter, rows, length, checkpointing.</summary>
    public delegate MemoryPlan Predict(ModelShape model, TrainingRecipe recipe, AdapterShape? adapter, long batch, long length, bool checkpointing);

    /// <summary>The sentences.</summary>
    public static IReadOnlyList<string> Of(PlanReport plan, Predict predict)
    {
        var limit = $"{MemorySize.Gigabytes(plan.UsableBytes)} (80 % of {MemorySize.Gigabytes(plan.MemoryBytes)})";
        // What LowRank trains: its full fine-tuning is the fp32 one, which leaves no base to compare with.
        var trainsFull = plan.Objective is not ("dpo" or "kto");
        var possible = plan.Rows.Where(r => r.Fits && (!r.Recipe.IsFull || (trainsFull && r.Recipe == TrainingRecipe.FullFp32))).ToList();
        if (possible.Count > 0) return [.. Fitting(plan, possible, limit)];
        var least = plan.Rows.MinBy(r => r.Plan.Total)!;
        return [$"Nothing fits in {limit}: the least is {Describe(least)} with {MemorySize.Gigabytes(least.Plan.Total)}.", .. Changes(plan, predict), .. Alternatives(plan, predict)];
    }

    private static IEnumerable<string> Fitting(PlanReport plan, List<PlanRow> possible, string limit)
    {
        var names = possible.GroupBy(r => r.Recipe.Method).Select(g => g.Key == "full" ? "full fine-tuning" : g.Key == "lora" ? "LoRA" : "QLoRA");
        yield return $"In {limit} fit: {string.Join(", ", names)}.";
        // LoRA before QLoRA, whose base is rounded; without checkpointing, which costs time.
        var lora = possible.Where(r => r.Recipe.Method == "lora").OrderBy(r => r.Checkpointing).FirstOrDefault();
        var chosen = lora ?? possible.Where(r => !r.Recipe.IsFull).OrderBy(r => r.Checkpointing).FirstOrDefault() ?? possible[0];
        yield return $"Take {Describe(chosen)}: {MemorySize.Gigabytes(chosen.Plan.Total)} at the peak, {Share(chosen.Plan.Total, plan.MemoryBytes)} of the memory.";
        if (lora is null && chosen.Recipe.Method == "qlora")
            yield return $"LoRA over the 16-bit base would need {MemorySize.Gigabytes(plan.Rows.Where(r => r.Recipe.Method == "lora").Min(r => r.Plan.Total))} even with checkpointing.";
    }

    // One change after another, each on top of those before, until it fits.
    private static IEnumerable<string> Changes(PlanReport plan, Predict predict)
    {
        var rank = plan.Adapters.Min(a => a.Rank);
        var adapter = AdapterShape.Of(plan.Model.Shape, rank, plan.Target);
        var small = AdapterShape.Of(plan.Model.Shape, Math.Min(8, rank), "qv");
        (string What, AdapterShape Adapter, long Batch, long Length)[] steps =
        [
            ("QLoRA with double quantization and checkpointing", adapter, plan.Batch, plan.Length),
            ("batch 1 (--accumulate keeps the steps as large)", adapter, 1, plan.Length),
            (string.Create(CultureInfo.InvariantCulture, $"rows of {ShortLength} tokens"), adapter, 1, Math.Min(ShortLength, plan.Length)),
            (string.Create(CultureInfo.InvariantCulture, $"rank {Math.Min(8, rank)} on q and v alone"), small, 1, Math.Min(ShortLength, plan.Length)),
        ];
        var before = long.MaxValue;
        foreach (var (what, shape, batch, length) in steps)
        {
            var total = predict(plan.Model.Shape, TrainingRecipe.QloraDouble, shape, batch, length, true).Total;
            if (total >= before) continue;
            before = total;
            yield return $"{(total <= plan.UsableBytes ? "This fits: " : "Not enough: ")}{what}, {MemorySize.Gigabytes(total)}.";
            if (total <= plan.UsableBytes) yield break;
        }
    }

    private static IEnumerable<string> Alternatives(PlanReport plan, Predict predict)
    {
        var adapter = AdapterShape.Of(plan.Model.Shape, plan.Adapters.Min(a => a.Rank), plan.Target);
        var needed = predict(plan.Model.Shape, TrainingRecipe.QloraDouble, adapter, plan.Batch, plan.Length, true).Total;
        var device = DeviceMemory.All.Where(d => d.Bytes * PlanReport.UsableShare >= needed).MinBy(d => d.Bytes);
        yield return device is not null ? $"As planned, QLoRA needs {MemorySize.Gigabytes((long)(needed / PlanReport.UsableShare))} with 20 % headroom: a {device.Title} has it." : $"As planned, QLoRA needs {MemorySize.Gigabytes((long)(needed / PlanReport.UsableShare))} with 20 % headroom, more than any single card of the list.";
        var smaller = KnownModel.All.Select(m => (m.Name, Shape: ModelShape.Read(m.Config)))
            .Where(m => m.Shape.Parameters < plan.Model.Shape.Parameters)
            .Where(m => predict(m.Shape, TrainingRecipe.QloraDouble, AdapterShape.Of(m.Shape, 8, "all-linear"), plan.Batch, plan.Length, true).Total <= plan.UsableBytes)
            .OrderByDescending(m => m.Shape.Parameters).Take(3).Select(m => m.Name).ToList();
        if (smaller.Count > 0) yield return $"Smaller models that fit: {string.Join(", ", smaller)}.";
    }

    private static string Describe(PlanRow row) => string.Create(CultureInfo.InvariantCulture,
        $"{row.Recipe.Name}{(row.Rank is { } rank ? $" of rank {rank}" : "")}{(row.Checkpointing ? " with checkpointing (--checkpointing full)" : "")}");

    private static string Share(long part, long whole) => string.Create(CultureInfo.InvariantCulture, $"{100.0 * part / whole:0} %");
}
