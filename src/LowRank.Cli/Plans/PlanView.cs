using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Reports;

namespace LowRank.Cli.Plans;

/// <summary>Prints a plan as tables, in GB of 10⁹ bytes.</summary>
internal static class PlanView
{
    /// <summary>Prints it.</summary>
    public static void Show(Screen screen, PlanReport plan)
    {
        var model = plan.Model;
        var fields = new List<(string, string)>
        {
            ("model", $"{Printable.Of(model.Name)} ({model.Shape.ModelType}), {Quantity.Count(plan.Parameters)} parameters, from {Printable.Of(model.Origin)}"),
            ("memory", $"{MemorySize.Gigabytes(plan.MemoryBytes)} ({plan.MemoryOrigin}), of which a run should use 80 %: {MemorySize.Gigabytes(plan.UsableBytes)}"),
            ("run", Text($"{(plan.Objective == "sft" ? "" : $"{plan.Objective}, ")}batch {plan.Batch}{(plan.SequencesOfRow == 2 ? " pairs of 2" : "")} × {plan.Length} tokens, {(plan.Dtype == "fp16" ? "products in fp16, activations in fp32" : $"activations in {plan.Dtype}")}, adapter on {plan.Target}{(plan.TargetModules.Length > 0 && plan.TargetModules != plan.Target ? $" ({plan.TargetModules})" : "")}")),
        };
        if (plan.Data is { } data) fields.Add(("data", Text($"{(data.Examples is { } rows ? $"{rows:N0} rows, " : "")}{data.Tokens:N0} tokens, {100 * data.SupervisedShare:0} % of them learned; {Printable.Of(data.Origin)}")));
        if (plan.Time is { } time) fields.Add(("time", Time(time)));
        screen.Fields(fields);
        Parts(screen, plan);
        Ranks(screen, plan);
        Largest(screen, plan);
        screen.Out.WriteLine();
        foreach (var sentence in plan.Advice)
            foreach (var line in TextWrap.Lines(sentence, screen.Columns ?? int.MaxValue)) screen.Out.WriteLine(line);
    }

    private static void Parts(Screen screen, PlanReport plan)
    {
        var rank = plan.Adapters[0].Rank;
        var shown = TrainingRecipe.All.Select(recipe => plan.Rows.Where(r => r.Recipe == recipe && (r.Rank is null || r.Rank == rank)).ToList()).Select(rows => (Kept: rows.First(r => !r.Checkpointing), Again: rows.First(r => r.Checkpointing))).ToList();
        var grid = new Grid(Text($"Memory by part in GB, adapters of rank {rank}"), "", shown.Select(s => Head(s.Kept.Recipe)));
        for (var i = 0; i < shown[0].Kept.Plan.Parts.Count; i++) grid.Add(shown[0].Kept.Plan.Parts[i].Name, shown.Select(s => Figure(s.Kept.Plan.Parts[i].Part.Bytes)));
        grid.Add("total", shown.Select(s => Figure(s.Kept.Plan.Total)), "bold");
        grid.Add("fits", shown.Select(s => Fits(s.Kept)));
        grid.Add("checkpointed", shown.Select(s => Figure(s.Again.Plan.Total)), "bold");
        grid.Add("fits", shown.Select(s => Fits(s.Again)));
        grid.Write(screen);
        if (plan.Rows.Any(r => r.Plan.Workspace.Bytes > 0)) screen.Out.WriteLine("workspace: what the backward pass needs beyond the place of the logits");
    }

    private static void Ranks(Screen screen, PlanReport plan)
    {
        var sizes = new Grid("The adapter by rank", "r", ["trainable parameters", "of all", "values, gradients,\nmoments", "file"]);
        foreach (var a in plan.Adapters) sizes.Add(Text($"{a.Rank}"), [Quantity.Count(a.TrainableParameters), Text($"{a.Percent:0.0000} %"), MemorySize.Gigabytes(a.TrainingBytes), MemorySize.Gigabytes(a.FileBytes)]);
        sizes.Write(screen);
        var totals = new Grid("Total by rank in GB (ckpt: with checkpointing, dq: double quantization, *: does not fit)", "r", ["LoRA", "LoRA\nckpt", "QLoRA", "QLoRA\nckpt", "QLoRA\ndq", "QLoRA\ndq, ckpt"]);
        foreach (var a in plan.Adapters) totals.Add(Text($"{a.Rank}"), plan.Rows.Where(r => r.Rank == a.Rank).Select(r => Figure(r.Plan.Total) + (r.Fits ? "" : "*")));
        totals.Write(screen);
    }

    private static void Largest(Screen screen, PlanReport plan)
    {
        var grid = new Grid(Text($"What fits at most, rank {plan.Adapters[0].Rank} (–: not even one)"), "", [Text($"{(plan.SequencesOfRow == 2 ? "pairs" : "rows")} of\n{plan.Length} tokens"), "with\ncheckpointing", Text($"tokens {(plan.SequencesOfRow == 2 ? "an answer" : "a row")}\nat batch {plan.Batch}"), "with\ncheckpointing"]);
        foreach (var row in plan.Largest) grid.Add(row.Recipe.Name, [Most(row.Batch), Most(row.BatchCheckpointed), Most(row.Length), Most(row.LengthCheckpointed)]);
        grid.Write(screen);
    }

    private static string Time(PlannedTime time)
    {
        string Hours(double hours) => Quantity.Time(TimeSpan.FromHours(Math.Min(hours, 1e6)));
        return Text($"LoRA {Hours(time.AdapterHours)}, full {Hours(time.FullHours)}; with checkpointing {Hours(time.AdapterHours * time.CheckpointingFactor)}: {time.Tokens:N0} tokens{(time.ForwardTokens > 0 ? Text($" and {time.ForwardTokens:N0} without gradients") : "")} × {time.FlopsPerToken / 1e6:N0} Mflop at {100 * time.Ratio:0} % of {time.Gflops:0.#} GFLOP/s");
    }

    private static string Head(TrainingRecipe recipe) => recipe.Name.Replace(", ", ",\n", StringComparison.Ordinal).Replace(" + ", "\n+ ", StringComparison.Ordinal).Replace(" (", "\n(", StringComparison.Ordinal);

    private static string Figure(long bytes) => bytes == 0 ? "–" : Text($"{bytes / 1e9:0.00}");

    private static string Fits(PlanRow row) => row.Fits ? "yes" : "no";

    private static string Most(long count) => count == 0 ? "–" : Quantity.Count(count);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
