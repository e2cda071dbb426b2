using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Formats;
using LowRank.Training.Import;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank import-config</c>: settings of LLaMA-Factory, axolotl, TRL and PEFT as a file for <c>train --config</c>.</summary>
internal static class ImportConfigVerb
{
    /// <summary>The name under which a schema beside the written file is found.</summary>
    private const string SchemaName = "lowrank.schema.json";

    public static VerbCommand Create(Screen screen)
    {
        var files = new Argument<string[]>("FILE") { Description = "A YAML or JSON file of LLaMA-Factory, axolotl or TRL, or PEFT's adapter_config.json; a file of TRL and an adapter_config.json together make one run.", Arity = ArgumentArity.OneOrMore };
        var from = new Option<string>("--from") { Description = $"Whose settings they are: {string.Join(", ", ConfigImport.Options)}. [default: recognised by the keys]", HelpName = "TOOL" };
        from.AcceptOnlyFromAmong([.. ConfigImport.Options]);
        var data = new Option<string>("--data") { Description = "The training data, instead of what the file names.", HelpName = "DATA" };
        var ignore = new Option<string>("--ignore") { Description = "Keys to leave out knowingly, by comma, where the import refuses them.", HelpName = "KEYS" };
        var output = new Option<string>("--output") { Description = "Write the settings into this file; it must not exist. [default: print them]", HelpName = "FILE" };
        var verb = new VerbCommand("import-config", "Read settings of LLaMA-Factory, axolotl, TRL or PEFT and write the same run for train --config.",
            "lowrank import-config llama3_lora_sft.yaml --output run.yaml", "lowrank import-config sft.yaml adapter_config.json --data rows.jsonl") { files, from, data, ignore, output };
        verb.SetAction(parsed =>
        {
            var target = parsed.GetValue(output);
            if (target is not null && File.Exists(target)) throw new LowRankException($"--output: {target} exists. Take another name, or remove it.");
            var run = ConfigImport.Read(parsed.GetRequiredValue(files), new ImportOptions
            {
                From = parsed.GetValue(from) is { } tool ? ConfigImport.ToolOf(tool) : null,
                Data = parsed.GetValue(data),
                Ignore = parsed.GetValue(ignore)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
            });
            foreach (var (key, shown, where) in run.Unknown) screen.Warn($"{where}: {shown}: not known to LowRank; look up what it does before you rely on the run");
            foreach (var note in run.Notes) screen.Error.WriteLine($"note: {Printable.Of(note)}");
            if (target is null) screen.Out.Write(ImportedYaml.Write(run));
            else
            {
                AtomicFile.WriteAllText(target, ImportedYaml.Write(run, Schema(target)));
                screen.Out.WriteLine($"written to {target}; train with: lowrank train --config {target}");
            }
            return ExitCode.Done;
        });
        return verb;
    }

    // Editors with the YAML language server take the schema that this line names; it is named only where it is.
    private static string[] Schema(string target) =>
        File.Exists(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(target))!, SchemaName)) ? [$"yaml-language-server: $schema={SchemaName}"] : [];
}
