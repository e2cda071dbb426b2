using System.CommandLine;
using System.Globalization;
using LowRank.Adapters;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Export;
using LowRank.Models.Merging;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank export</c>: a model or an adapter as a GGUF file for llama.cpp and Ollama.</summary>
internal static class ExportVerb
{
    private static readonly string[] types = [.. Enum.GetNames<GgufFileType>().Select(n => n.ToLowerInvariant())];

    public static VerbCommand Create(Screen screen)
    {
        var standard = new GgufExportOptions();
        var model = new Option<string>("--model") { Description = "A Hugging Face folder, a .gguf file or a hub id such as org/name. With --adapter it may be left out: the adapter names its base.", HelpName = "MODEL" };
        var adapter = new Option<string>("--adapter") { Description = "An adapter of LowRank or PEFT, which is merged into the model; with --adapter-only it is written alone, for llama.cpp or Ollama to apply.", HelpName = "FOLDER" };
        var to = new Option<string>("--to") { Description = "The format. [default: gguf]", HelpName = "FORMAT", DefaultValueFactory = _ => "gguf" };
        to.AcceptOnlyFromAmong("gguf");
        var type = new Option<string?>("--type") { Description = $"What a model's file is made of: {string.Join(", ", types)}. [default: {standard.Type.ToString().ToLowerInvariant()}]", HelpName = "TYPE" };
        type.AcceptOnlyFromAmong(types);
        var output = new Option<string>("--output") { Description = "The file to write; an older one is replaced.", HelpName = "FILE", Required = true };
        var adapterOnly = new Option<bool>("--adapter-only") { Description = "Write the adapter alone, in F32. The base is read for its configuration." };
        var modelfile = new Option<bool>("--modelfile") { Description = "Write an Ollama Modelfile beside the file." };
        var check = new Option<bool>("--check") { Description = "Read the file back and print how often its most likely next token is that of the model." };
        var verb = new VerbCommand("export", "Write a model or an adapter as a GGUF file for llama.cpp and Ollama.",
            "lowrank export --model smollm2 --type q8_0 --output smollm2.gguf --modelfile", "lowrank export --model smollm2 --adapter out --adapter-only --output adapter.gguf")
            { model, adapter, to, type, output, adapterOnly, modelfile, check };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var (folder, file, alone) = (parsed.GetValue(adapter), parsed.GetRequiredValue(output), parsed.GetValue(adapterOnly));
            if (alone && folder is null) throw new UsageException("--adapter-only needs the adapter: --adapter FOLDER.");
            if (alone && parsed.GetValue(type) is { } wanted && wanted != "f32") throw new UsageException($"An adapter is written in F32: leave --type {wanted} out.");
            if (alone && parsed.GetValue(check)) throw new UsageException("--check compares models; an adapter alone is none.");
            if (folder is not null && !alone && parsed.GetValue(check)) throw new UsageException("--check compares the file with the model that it was made of. Merge the adapter first (lowrank merge, which compares too) and export the merged model.");
            var name = parsed.GetValue(model) ?? (folder is null ? null : BaseOf(folder))
                ?? throw new UsageException(folder is null ? "Which model? --model MODEL" : $"{folder} does not name its base model: say it with --model.");
            // A hub id is downloaded; what lies here is taken as it is.
            var path = Directory.Exists(name) || File.Exists(name) ? name : await Task.Run(() => ModelLoader.Locate(name, new ModelLoadOptions { Progress = screen.Progress }, cancellation), cancellation).ConfigureAwait(false);
            using var merged = folder is null || alone ? null : Merged(path, folder, screen);
            if (alone) GgufAdapterExporter.Export(folder!, path, file);
            else
                await ProgressBar.ShowAsync(screen, "exporting", tell => GgufExporter.Export(path, file, new GgufExportOptions
                {
                    Type = parsed.GetValue(type) is { } text ? Enum.Parse<GgufFileType>(text, ignoreCase: true) : standard.Type,
                    Weights = merged,
                    Warning = screen.Warn,
                    Progress = tell,
                }, cancellation)).ConfigureAwait(false);
            screen.Out.WriteLine($"written to {file} ({Quantity.Bytes(new FileInfo(file).Length)})");
            if (parsed.GetValue(modelfile)) WriteModelfile(screen, path, file, alone);
            if (parsed.GetValue(check))
            {
                screen.Progress($"Comparing {file} with {name}");
                var agreement = await Task.Run(() => GgufAgreement.Measure(path, file), cancellation).ConfigureAwait(false);
                screen.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"top-1 agreement: {agreement.Same} of {agreement.Total} tokens ({Quantity.Percent((double)agreement.Same / agreement.Total)})"));
            }
            return ExitCode.Done;
        });
        return verb;
    }

    private static MergedCheckpoint Merged(string model, string adapter, Screen screen)
    {
        LowRank.Runtime.NativeRuntime.Load();
        var merged = MergedCheckpoint.Open(model, adapter, MergeBase.Automatic);
        screen.Progress($"Merging {adapter} into the {(merged.Base == MergeBase.Dequantized ? "dequantized" : "original")} weights: {merged.BaseReason}");
        if (!merged.IsHeadSeparate && merged.ChangedVocabulary is null) return merged;
        var isResized = merged.ChangedVocabulary is not null;
        merged.Dispose();
        if (isResized) throw new LowRankException($"{adapter} brings an embedding and a head for tokens that were added. Merge it first (lowrank merge), which takes its tokenizer over too, and export the merged model.");
        throw new LowRankException($"{adapter} changes the embedding and the head that shares its weight differently. Merge it first (lowrank merge), and export the merged model.");
    }

    private static void WriteModelfile(Screen screen, string model, string file, bool adapter)
    {
        var path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, "Modelfile");
        if (adapter) OllamaModelfile.WriteForAdapter(path, file, model);
        else OllamaModelfile.WriteForModel(path, file);
        screen.Out.WriteLine($"written to {path}; ollama create NAME -f {path}");
    }

    private static string? BaseOf(string folder)
    {
        using var opened = AdapterFolder.Open(folder);
        return opened.Config.BaseModel;
    }
}
