using System.CommandLine;
using System.Globalization;
using LowRank.Adapters;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank adapters combine</c>: several adapters as one.</summary>
internal static class CombineVerb
{
    private static readonly string[] methods = [.. Enum.GetValues<CombinationMethod>().Select(CombineOptions.NameOf)];

    public static VerbCommand Create(Screen screen)
    {
        var adapter = new Option<string[]>("--adapter") { Description = "An adapter of LowRank or PEFT, a folder or a hub id, with a name for it: NAME=FOLDER. Once for each.", HelpName = "NAME=FOLDER", Required = true };
        var weights = new Option<string>("--weights") { Description = "The factor of each adapter, in their order, with commas between; they may be negative.", HelpName = "LIST", Required = true };
        var method = new Option<string>("--method") { Description = $"{string.Join(", ", methods)}. [default: svd]", HelpName = "METHOD", DefaultValueFactory = _ => "svd" };
        method.AcceptOnlyFromAmong(methods);
        var density = new Option<double?>("--density") { Description = "The share of values that ties, magnitude_prune and dare keep, above 0 and at most 1.", HelpName = "SHARE" };
        var sign = new Option<string>("--majority-sign") { Description = "How ties elects a sign: total (of the sum) or frequency (of most adapters). [default: total]", HelpName = "RULE", DefaultValueFactory = _ => "total" };
        sign.AcceptOnlyFromAmong("total", "frequency");
        var rank = new Option<int?>("--rank") { Description = "The new rank, for the methods of SVD. [default: the largest of the adapters]", HelpName = "RANK" }.AtLeast(1);
        var seed = new Option<int>("--seed") { Description = "The seed of what dare keeps. [default: 0]", HelpName = "NUMBER" }.AtLeast(0);
        var output = new Option<string>("--output") { Description = "The folder to create. It must not exist, or be empty.", HelpName = "FOLDER", Required = true };
        var portable = PortableVerb.Option();
        var json = new Option<bool>("--json") { Description = "Print the result as one JSON object." };
        var verb = new VerbCommand("combine", "Make one adapter of several, without their base model (PEFT's add_weighted_adapter).",
            "lowrank adapters combine --adapter a=maths --adapter b=code --weights 0.7,0.3 --output both",
            "lowrank adapters combine --adapter a=maths --adapter b=code --weights 1,-0.5 --method ties --density 0.5 --output both")
            { adapter, weights, method, density, sign, rank, seed, portable, output, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var options = new CombineOptions
            {
                Method = Enum.GetValues<CombinationMethod>().Single(m => CombineOptions.NameOf(m) == parsed.GetValue(method)),
                Density = parsed.GetValue(density),
                MajoritySign = parsed.GetValue(sign) == "frequency" ? MajoritySign.Frequency : MajoritySign.Total,
                Rank = parsed.GetValue(rank),
                Seed = parsed.GetValue(seed),
                Portable = parsed.GetValue(portable),
            };
            if (options.Problems() is { Count: > 0 } problems) throw new UsageException(string.Join("; ", problems) + ".");
            var (named, factors) = (parsed.GetRequiredValue(adapter), Factors(parsed.GetRequiredValue(weights)));
            if (named.Length != factors.Length) throw new UsageException($"There are {named.Length} adapters and {factors.Length} weights; each adapter needs one.");
            var adapters = named.Select((text, i) => Adapter(text, factors[i], screen, cancellation)).ToList();
            var target = parsed.GetRequiredValue(output);
            CombineReport? report = null;
            await ProgressBar.ShowAsync(screen, "combining", tell => report = AdapterCombiner.Combine(adapters, target, options, tell, cancellation)).ConfigureAwait(false);
            foreach (var warning in report!.Warnings) screen.Warn(warning);
            if (parsed.GetValue(json))
                screen.Json(new Dictionary<string, object?>
                {
                    ["output"] = target, ["method"] = options.MethodName, ["modules"] = report.Modules, ["rank"] = report.Rank, ["kept"] = report.Kept, ["warnings"] = report.Warnings,
                });
            else Print(screen, target, options, adapters, report);
            return ExitCode.Done;
        });
        return verb;
    }

    private static void Print(Screen screen, string target, CombineOptions options, List<WeightedAdapter> adapters, CombineReport report)
    {
        var fields = new List<(string, string)>
        {
            ("combined", string.Join(", ", adapters.Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Weight} × {a.Name}")))),
            ("method", options.MethodName),
            ("modules", $"{report.Modules}, rank {report.Rank}"),
        };
        if (report.Kept is { } kept) fields.Add(("kept", $"{Quantity.Percent(kept)} of the Frobenius norm"));
        fields.Add(("written", target));
        screen.Fields(fields);
    }

    private static double[] Factors(string text) => [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part =>
        double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : throw new UsageException($"--weights: '{part}' is not a number; give one for each adapter, such as 0.7,0.3."))];

    private static WeightedAdapter Adapter(string text, double weight, Screen screen, CancellationToken cancellation)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        var (name, folder) = at > 0 ? (text[..at], text[(at + 1)..]) : (Path.GetFileName(Path.TrimEndingDirectorySeparator(text)), text);
        if (folder.Length == 0) throw new UsageException($"--adapter {text}: which folder? NAME=FOLDER.");
        return new WeightedAdapter(name, ModelLoader.LocateAdapter(folder, new ModelLoadOptions { Progress = screen.Progress }, cancellation), weight);
    }
}
