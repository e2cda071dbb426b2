using System.Globalization;
using LowRank.Cli.Terminal;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Reports;

namespace LowRank.Cli.Plans;

/// <summary>Prints how each figure of a plan comes about, in GiB of 2³⁰ bytes.</summary>
internal static class ExplainView
{
    /// <summary>Prints it.</summary>
    public static void Show(Screen screen, PlanReport plan)
    {
        var shape = plan.Model.Shape;
        screen.Fields(
        [
            ("parameters", string.Create(CultureInfo.InvariantCulture, $"token table {shape.EmbeddingWeights:N0} + head {(shape.TiedHead ? "0 (tied)" : $"{shape.HeadWeights:N0}")} + {(shape.PositionWeights > 0 ? $"positions {shape.PositionWeights:N0} + " : "")}linear {shape.LinearWeights:N0} + {(shape.RouterWeights > 0 ? $"routers {shape.RouterWeights:N0} + " : "")}biases {shape.LinearBiases:N0} + norms {shape.NormWeights:N0} = {plan.Parameters:N0}")),
            ("memory", string.Create(CultureInfo.InvariantCulture, $"{plan.MemoryBytes:N0} B ({plan.MemoryOrigin}) × {PlanReport.UsableShare} = {MemorySize.Gibibytes(plan.UsableBytes)}")),
        ]);
        foreach (var row in plan.Rows)
        {
            screen.Out.WriteLine();
            screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Recipe.Name}{(row.Rank is { } rank ? $", rank {rank}" : "")}, {(row.Checkpointing ? "with checkpointing" : "without checkpointing")}"));
            screen.Fields([.. row.Plan.Parts.Select(p => (p.Name, $"{p.Part.Formula} = {MemorySize.Gibibytes(p.Part.Bytes)}")), ("total", $"{MemorySize.Gibibytes(row.Plan.Total)} ({MemorySize.Gigabytes(row.Plan.Total)}): {(row.Fits ? "fits" : "does not fit")}")], indent: 2);
        }
        if (plan.Time is not { } time) return;
        screen.Out.WriteLine();
        screen.Fields(
        [
            ("work of a token", string.Create(CultureInfo.InvariantCulture, $"4 × linear weights + 4 × head × learned share + 7 × length × heads × head size × layers = {time.FlopsPerToken:N0} flop")),
            ("hours", string.Create(CultureInfo.InvariantCulture, $"{(time.ForwardTokens > 0 ? string.Create(CultureInfo.InvariantCulture, $"({time.Tokens:N0} tokens + {time.ForwardTokens:N0} without gradients × {time.ForwardFactor:0.00})") : string.Create(CultureInfo.InvariantCulture, $"{time.Tokens:N0} tokens"))} × {time.FlopsPerToken:N0} / ({time.Gflops:0.#}e9 × {time.Ratio:0.##}, the share that LowRank's step reaches) / 3600 = {time.AdapterHours:0.00}; × {time.FullFactor:0.00} for full fine-tuning, × {time.CheckpointingFactor:0.00} with checkpointing")),
        ]);
    }
}
