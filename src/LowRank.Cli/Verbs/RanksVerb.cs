using System.CommandLine;
using System.Globalization;
using LowRank.Adapters;
using LowRank.Cli.Options;
using LowRank.Cli.Plans;
using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;
using LowRank.Training.Pictures;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank adapters ranks</c>: the ranks of an adapter by layer and module, which AdaLoRA has shared out.</summary>
internal static class RanksVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var adapter = new Argument<string>("ADAPTER") { Description = "An adapter of LowRank or PEFT: a folder or a hub id." };
        var picture = new Option<string?>("--picture") { Description = "Draw the map into this PNG file.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print the map as one JSON object." };
        var verb = new VerbCommand("ranks", "Show the rank of each module by layer: for AdaLoRA what it has shared out.", "lowrank adapters ranks out", "lowrank adapters ranks out --picture ranks.png") { adapter, picture, json };
        verb.SetAction((parsed, cancellation) =>
        {
            var name = parsed.GetRequiredValue(adapter);
            using var folder = AdapterFolder.Open(ModelLoader.LocateAdapter(name, new ModelLoadOptions { Progress = screen.Progress }, cancellation));
            var map = RankMap.Of(folder);
            var file = parsed.GetValue(picture);
            if (file is not null) RankPicture.Of(map, $"{folder.Config.Kind}: rank by layer and module").Save(file, 900, Math.Max(400, 120 + 24 * map.Layers.Count));
            if (parsed.GetValue(json)) screen.Json(Json(map));
            else Print(screen, folder, map, file);
            return Task.FromResult(ExitCode.Done);
        });
        return verb;
    }

    private static void Print(Screen screen, AdapterFolder folder, RankMap map, string? picture)
    {
        var (least, most) = map.Range;
        var grid = new Grid($"{folder.Config.Kind}: {map.Count} modules of ranks {least} to {most}, {map.Total} together", "layer", map.Modules.Select(m => m[(m.LastIndexOf('.') + 1)..]).Append("sum"));
        for (var i = 0; i < map.Layers.Count; i++)
        {
            int[] row = [.. Enumerable.Range(0, map.Modules.Count).Select(j => map.Ranks[i, j])];
            grid.Add(map.Layers[i].Length == 0 ? "-" : map.Layers[i], row.Select(Text).Append(Text(row.Where(r => r > 0).Sum())));
        }
        grid.Add("mean", Enumerable.Range(0, map.Modules.Count).Select(j => Enumerable.Range(0, map.Layers.Count).Select(i => map.Ranks[i, j]).Where(r => r >= 0).Average().ToString("0.0", CultureInfo.InvariantCulture)).Append(""));
        grid.Write(screen);
        if (picture is not null) screen.Out.WriteLine($"picture: {picture}");
    }

    private static string Text(int rank) => rank < 0 ? "" : rank.ToString(CultureInfo.InvariantCulture);

    private static Dictionary<string, object?> Json(RankMap map) => new()
    {
        ["modules"] = map.Count, ["total"] = map.Total, ["least"] = map.Range.Least, ["most"] = map.Range.Most,
        ["ranks"] = Enumerable.Range(0, map.Layers.Count).ToDictionary(i => map.Layers[i], i => (object?)Enumerable.Range(0, map.Modules.Count).Where(j => map.Ranks[i, j] >= 0).ToDictionary(j => map.Modules[j], j => map.Ranks[i, j])),
    };
}
