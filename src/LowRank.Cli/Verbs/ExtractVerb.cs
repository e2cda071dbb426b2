using System.CommandLine;
using System.Globalization;
using LowRank.Adapters;
using LowRank.Cli.Options;
using LowRank.Cli.Plans;
using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;
using LowRank.Models.Extraction;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank adapters extract</c>: what a model learned over its base, as an adapter.</summary>
internal static class ExtractVerb
{
    private const int UnheldShown = 12;

    public static VerbCommand Create(Screen screen)
    {
        var basis = new Option<string>("--base") { Description = "The model before it was tuned: a Hugging Face folder, a .gguf file or a hub id.", HelpName = "MODEL", Required = true };
        var tuned = new Option<string>("--tuned") { Description = "The model after it, with plain weights of the same shapes.", HelpName = "MODEL", Required = true };
        var rank = new Option<int>("--rank") { Description = "The rank of the adapter: the more, the smaller the error and the larger the file.", HelpName = "RANK", Required = true }.AtLeast(1);
        var target = new Option<string>("--target") { Description = "Linear modules: names by comma, a regular expression, or qv, qkv, attention, mlp, all-linear. [default: all-linear]", HelpName = "MODULES", DefaultValueFactory = _ => "all-linear" };
        var exact = new Option<bool>("--exact") { Description = "Decompose large matrices whole too, which takes minutes each; by default random directions find the same within a percent of the error." };
        var portable = PortableVerb.Option();
        var output = new Option<string>("--output") { Description = "The folder to create. It must not exist, or be empty.", HelpName = "FOLDER", Required = true };
        var json = new Option<bool>("--json") { Description = "Print the result as one JSON object." };
        var verb = new VerbCommand("extract", "Make a LoRA of the difference of two models, by its largest singular values.",
            "lowrank adapters extract --base smollm2 --tuned my-model --rank 32 --output extracted") { basis, tuned, rank, target, exact, portable, output, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var (name, folder) = (parsed.GetRequiredValue(basis), parsed.GetRequiredValue(output));
            var options = new ExtractOptions
            {
                Rank = parsed.GetRequiredValue(rank),
                Target = ModulePattern.Parse(parsed.GetRequiredValue(target)),
                Exact = parsed.GetValue(exact),
                Portable = parsed.GetValue(portable),
                BaseModel = name,
            };
            string Path(string model) => ModelLoader.Locate(model, new ModelLoadOptions { Progress = screen.Progress }, cancellation);
            var (before, after) = (Path(name), Path(parsed.GetRequiredValue(tuned)));
            ExtractReport? report = null;
            await ProgressBar.ShowAsync(screen, "extracting", tell => report = AdapterExtractor.Extract(before, after, folder, options, tell, cancellation)).ConfigureAwait(false);
            foreach (var warning in report!.Warnings) screen.Warn(warning);
            if (parsed.GetValue(json)) screen.Json(Json(folder, report));
            else Print(screen, folder, report);
            return ExitCode.Done;
        });
        return verb;
    }

    private static void Print(Screen screen, string folder, ExtractReport report)
    {
        var grid = new Grid("Relative error of each module, ‖Δ − B A‖ / ‖Δ‖", "module", ["rank", "‖Δ‖", "error"]);
        foreach (var m in report.Modules) grid.Add(m.Name, [m.Rank.ToString(CultureInfo.InvariantCulture), Number(m.Norm), Quantity.Percent(m.RelativeError)]);
        grid.Write(screen);
        if (report.Unheld.Count > 0)
        {
            var others = new Grid($"{report.Unheld.Count} tensors differ too and are not in the adapter", "tensor", ["‖Δ‖", "of its norm"]);
            foreach (var t in report.Unheld.OrderByDescending(t => t.Norm).Take(UnheldShown)) others.Add($"{t.Tensor} [{string.Join(", ", t.Shape)}]", [Number(t.Norm), t.BaseNorm == 0 ? "-" : Quantity.Percent(t.Norm / t.BaseNorm)]);
            if (report.Unheld.Count > UnheldShown) others.Add($"and {report.Unheld.Count - UnheldShown} more, which --json lists", ["", ""]);
            others.Write(screen);
        }
        var fields = new List<(string, string)> { ("modules", report.Unchanged == 0 ? $"{report.Modules.Count}" : $"{report.Modules.Count}; {report.Unchanged} more do not differ"), ("error in all", Quantity.Percent(report.RelativeError)), ("written", folder) };
        screen.Fields(fields);
    }

    private static string Number(double value) => value.ToString("0.000e+0", CultureInfo.InvariantCulture);

    private static Dictionary<string, object?> Json(string folder, ExtractReport report) => new()
    {
        ["output"] = folder,
        ["relative_error"] = report.RelativeError,
        ["modules"] = report.Modules.Select(m => new Dictionary<string, object?> { ["module"] = m.Name, ["rank"] = m.Rank, ["norm"] = m.Norm, ["relative_error"] = m.RelativeError }),
        ["unchanged"] = report.Unchanged,
        ["not_held"] = report.Unheld.Select(t => new Dictionary<string, object?> { ["tensor"] = t.Tensor, ["shape"] = t.Shape, ["norm"] = t.Norm, ["base_norm"] = t.BaseNorm }),
        ["warnings"] = report.Warnings,
    };
}
