using LowRank.Training.Import.Axolotl;
using LowRank.Training.Import.LlamaFactory;
using LowRank.Training.Import.Peft;
using LowRank.Training.Import.Trl;
using LowRank.Training.Settings;

namespace LowRank.Training.Import;

/// <summary>Reads settings of other tools: recognises whose they are, and brings one file, or an adapter's and a trainer's together, into LowRank's settings.</summary>
internal static class ConfigImport
{
    private static readonly ConfigImporter[] All = [new LlamaFactoryImporter(), new AxolotlImporter(), new TrlImporter(), new PeftImporter()];

    /// <summary>The names of the tools on the command line.</summary>
    public static IReadOnlyList<string> Options { get; } = [.. All.Select(i => i.Option)];

    /// <summary>A tool by its name on the command line.</summary>
    public static SourceTool ToolOf(string option) => All.Single(i => i.Option == option).Tool;

    /// <summary>Reads files.</summary>
    /// <param name="paths">The files; of two that say the same, the later wins.</param>
    /// <param name="options">How.</param>
    /// <exception cref="LowRankException">A file is missing or not recognised, or something would change the result and cannot be carried over; all of it is listed.</exception>
    public static ImportedRun Read(IReadOnlyList<string> paths, ImportOptions options)
    {
        var files = paths.Select(SourceDocument.Load).Select(d => (Document: d, Importer: Of(d, options.From)))
            // What an adapter's file says comes after what a trainer's says.
            .OrderBy(f => f.Importer.Tool == SourceTool.Peft).ToArray();
        var run = new ImportedRun();
        Ignore([.. files.Select(f => f.Document)], options.Ignore, run);
        var hasAdapterFile = files.Any(f => f.Importer.Tool == SourceTool.Peft);
        foreach (var (document, importer) in files)
        {
            run.Sources.Add((document.Name, importer.Name));
            importer.Import(new SourceReader(document, run, importer.Name, options) { HasAdapterFile = hasAdapterFile && importer.Tool != SourceTool.Peft });
        }
        if (options.Data is { } data) run.Set("data", data, "--data", "--data");
        if (run.Problems.Count > 0) throw new LowRankException(Refusal(run.Problems));
        run.Bind();
        return run;
    }

    private static ConfigImporter Of(SourceDocument document, SourceTool? from)
    {
        // An adapter's configuration says what it is, whatever the other file of the same import is.
        if (document.Has("peft_type")) return All.Single(i => i.Tool == SourceTool.Peft);
        if (from is { } tool) return All.Single(i => i.Tool == tool);
        if (document.Keys.All(k => SettingsSchema<TrainSettings>.Find(k) is not null))
            throw new LowRankException($"{document.Path} has LowRank's own keys. Use it as it is: lowrank train --config {document.Path}");
        var ranked = All.Select(i => (Importer: i, Count: i.Marks.Count(document.Has))).OrderByDescending(r => r.Count).ToArray();
        // What TRL, LLaMA-Factory and others have from transformers is TRL's where nothing else is there.
        if (ranked[0].Count == 0 && TrainingArguments.Typical.Any(document.Has)) return All.Single(i => i.Tool == SourceTool.Trl);
        if (ranked[0].Count == 0) throw new LowRankException($"{document.Path} is not recognised: it has no key that is typical of {string.Join(", ", All.Select(i => i.Name))}. Say which it is: --from {string.Join("|", Options)}");
        if (ranked[0].Count == ranked[1].Count) throw new LowRankException($"{document.Path} may be of {ranked[0].Importer.Name} or of {ranked[1].Importer.Name}. Say which: --from {ranked[0].Importer.Option} or --from {ranked[1].Importer.Option}");
        return ranked[0].Importer;
    }

    private static void Ignore(SourceDocument[] documents, IReadOnlyList<string> keys, ImportedRun run)
    {
        foreach (var key in keys)
        {
            var owner = documents.FirstOrDefault(d => d.Keys.Contains(key)) ?? documents[0];
            run.IsIgnored(key, owner.Remove(key).Shown);
        }
    }

    private static string Refusal(IReadOnlyList<(string Key, string Text)> problems) =>
        $"{(problems.Count == 1 ? "One setting cannot be carried over, and without it" : $"{problems.Count} settings cannot be carried over, and without them")} the run would be another one:"
        + $"\n  {string.Join("\n  ", problems.Select(p => p.Text))}\nChange the file, or leave them out knowingly: --ignore {string.Join(',', problems.Select(p => p.Key).Distinct())}";
}
