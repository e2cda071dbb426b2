using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;
using LowRank.Models.Merging;
using LowRank.Quantization;
using LowRank.Runtime.Memory;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank merge</c>: an adapter into the weights of its base.</summary>
internal static class MergeVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var model = new Option<string>("--model") { Description = "The base model: a Hugging Face folder, a .gguf file or a hub id.", HelpName = "MODEL", Required = true };
        var adapter = new Option<string>("--adapter") { Description = "The adapter's folder.", HelpName = "FOLDER", Required = true };
        var output = new Option<string>("--output") { Description = "The folder to create for the merged model. It must not exist, or be empty.", HelpName = "FOLDER", Required = true };
        var into = new Option<string>("--base")
        {
            Description = "Which weights to merge into: those of the checkpoint (original), what the 4-bit codes stand for that the adapter was trained over (dequantized), or those that it was trained on (auto). [default: auto]",
            HelpName = "WEIGHTS", DefaultValueFactory = _ => "auto",
        };
        into.AcceptOnlyFromAmong("auto", "original", "dequantized");
        var quantize = new Option<string>("--quantize") { Description = "Quantize the merged weights again: nf4 or fp4. This adds an error that the adapter was not trained for; it is shown.", HelpName = "FORM" };
        quantize.AcceptOnlyFromAmong("nf4", "fp4");
        var check = new Option<bool>("--check") { Description = "Compare the logits of the merged model with those of base and adapter on a short text, for which each is loaded once. [default: true]", DefaultValueFactory = _ => true };
        var json = new Option<bool>("--json") { Description = "Print the result as one JSON object." };
        var verb = new VerbCommand("merge", "Merge an adapter into its base model: a model that needs no adapter any more.",
            "lowrank merge --model SmolLM2-135M-Instruct.Q4_1.gguf --adapter my-adapter --output merged",
            "lowrank merge --model smollm2 --adapter my-adapter --output merged --base original") { model, adapter, output, into, quantize, check, json };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var (folder, target) = (parsed.GetRequiredValue(adapter), parsed.GetRequiredValue(output));
            var path = ModelLoader.Locate(parsed.GetRequiredValue(model), new ModelLoadOptions { Progress = screen.Progress }, cancellation);
            var form = parsed.GetValue(quantize);
            var options = new MergeOptions { Base = parsed.GetValue(into) switch { "original" => MergeBase.Original, "dequantized" => MergeBase.Dequantized, _ => MergeBase.Automatic } };
            // Told before the merge, whose work would be lost.
            if (form is not null && Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()) throw new LowRankException($"{target} exists and is not empty: give another folder.");
            // What is quantized again is merged beside the result first, under a name that nothing else has, and goes when that is written.
            var merged = form is null ? target : $"{target.TrimEnd('/', '\\')}.{Guid.NewGuid():N}.merged";
            var clock = Stopwatch.StartNew();
            MergeReport? report = null;
            try
            {
                await ProgressBar.ShowAsync(screen, "merging", tell => report = AdapterMerger.Merge(path, folder, merged, options, tell, cancellation)).ConfigureAwait(false);
                var seconds = clock.Elapsed.TotalSeconds;
                var peak = ProcessMemory.Read().PeakResidentBytes;
                if (form is not null)
                    await ProgressBar.ShowAsync(screen, "quantizing", tell => FourBitConverter.Quantize(merged, target, new FourBitOptions { Type = FourBitOptions.TypeOf(form) }, tell, cancellation)).ConfigureAwait(false);
                if (form is not null) report = report! with { Bytes = Directory.GetFiles(target, "*.safetensors").Sum(f => new FileInfo(f).Length) };
                foreach (var warning in report!.Warnings) screen.Warn(warning);
                var compared = parsed.GetValue(check) ? MergeCheck.Run(path, folder, target, report, cancellation: cancellation) : null;
                if (parsed.GetValue(json)) screen.Json(Json(target, report, seconds, peak, compared));
                else Print(screen, target, report, seconds, peak, compared);
            }
            finally
            {
                if (form is not null && Directory.Exists(merged)) Directory.Delete(merged, recursive: true);
            }
            return ExitCode.Done;
        });
        return verb;
    }

    private static void Print(Screen screen, string target, MergeReport report, double seconds, long peak, MergeCheck? check)
    {
        string Text(FormattableString s) => s.ToString(CultureInfo.InvariantCulture);
        var fields = new List<(string, string)>
        {
            ("merged into", $"{(report.Base == MergeBase.Dequantized ? "dequantized" : "original")} weights: {report.BaseReason}"),
            ("changed", $"{report.ChangedTensors} tensors"),
            ("written", Text($"{Quantity.Bytes(report.Bytes)} in {seconds:0.0} s to {target}")),
            ("peak memory", Quantity.Bytes(peak)),
        };
        if (report.IsHeadSeparate) fields.Add(("head", "one of its own now: the adapter changed it and the embedding differently (tie_word_embeddings is false)"));
        if (report.Vocabulary is { } rows) fields.Add(("tokens", Text($"{rows:N0}, with embedding and head from the adapter (vocab_size says so)")));
        if (report.IsTokenizerOfAdapter) fields.Add(("tokenizer", "from the adapter's folder"));
        if (check is not null)
        {
            fields.Add(("against base and adapter", Text($"{check.Tokens} tokens of a text: mean KL {check.KullbackLeibler:0.0e+0} nats, largest difference of a logit {check.LargestDifference:0.000}")));
            fields.Add(("same likeliest token", Text($"{100 * check.Top1Agreement:0.0} %")));
        }
        screen.Fields(fields);
    }

    private static Dictionary<string, object?> Json(string target, MergeReport report, double seconds, long peak, MergeCheck? check) => new()
    {
        ["output"] = target,
        ["base"] = report.Base == MergeBase.Dequantized ? "dequantized" : "original",
        ["base_reason"] = report.BaseReason,
        ["changed_tensors"] = report.ChangedTensors,
        ["bytes"] = report.Bytes,
        ["seconds"] = seconds,
        ["peak_rss_mib"] = peak / 1048576.0,
        ["head_separate"] = report.IsHeadSeparate,
        ["vocabulary"] = report.Vocabulary,
        ["tokenizer_of_adapter"] = report.IsTokenizerOfAdapter,
        ["kl"] = check?.KullbackLeibler,
        ["largest_logit_difference"] = check?.LargestDifference,
        ["top1_agreement"] = check?.Top1Agreement,
        ["tokens"] = check?.Tokens,
    };
}
