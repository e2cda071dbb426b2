using System.CommandLine;
using LowRank.Cli.Options;
using LowRank.Cli.Terminal;
using LowRank.Models.Checkpoints;
using LowRank.Quantization;

namespace LowRank.Cli.Verbs;

/// <summary><c>lowrank convert</c>: GGUF to Hugging Face, plain weights to 4 bits, and back.</summary>
internal static class ConvertVerb
{
    public static VerbCommand Create(Screen screen)
    {
        var standard = new FourBitOptions();
        var source = new Argument<string>("MODEL") { Description = "A .gguf file or a Hugging Face folder." };
        var target = new Argument<string>("FOLDER") { Description = "The folder to create. It must not exist, or be empty." };
        var to = new Option<string>("--to")
        {
            Description = "hf: plain weights. nf4, fp4: the layers' matrices in 4 bits, as bitsandbytes stores them; transformers and vLLM load that. [default: hf]", HelpName = "FORM", DefaultValueFactory = _ => "hf",
        };
        to.AcceptOnlyFromAmong("hf", "nf4", "fp4");
        var block = new Option<int>("--quant-block") { Description = $"Weights that share a scale: a power of two from {FourBitOptions.SmallestBlock} to {FourBitOptions.LargestBlock}. [default: {standard.BlockSize}]", HelpName = "COUNT", DefaultValueFactory = _ => standard.BlockSize };
        var doubleQuant = new Option<bool>("--double-quant") { Description = "Quantize the scales too. [default: true]", DefaultValueFactory = _ => standard.DoubleQuantization };
        var skip = new Option<string>("--quant-skip") { Description = "Modules that keep their form, by beginnings or endings of names, by comma. The head always does.", HelpName = "MODULES" };
        var verb = new VerbCommand("convert", "Write a model as a Hugging Face folder: from GGUF, into 4 bits, or from 4 bits to plain weights.",
            "lowrank convert SmolLM2-135M-Instruct.Q4_1.gguf smollm2", "lowrank convert smollm2 smollm2-nf4 --to nf4") { source, target, to, block, doubleQuant, skip };
        verb.SetAction(async (parsed, cancellation) =>
        {
            var (path, folder) = (parsed.GetRequiredValue(source), parsed.GetRequiredValue(target));
            var form = parsed.GetValue(to)!;
            await ProgressBar.ShowAsync(screen, "converting", tell =>
            {
                if (form != "hf") FourBitConverter.Quantize(path, folder, Options(form), tell, cancellation);
                else if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) GgufConverter.Convert(path, folder, tell, cancellation);
                else FourBitConverter.Dequantize(path, folder, tell, cancellation);
            }).ConfigureAwait(false);
            screen.Out.WriteLine($"written to {folder}");
            return ExitCode.Done;

            FourBitOptions Options(string type) => new()
            {
                Type = FourBitOptions.TypeOf(type),
                BlockSize = parsed.GetValue(block),
                DoubleQuantization = parsed.GetValue(doubleQuant),
                Skip = parsed.GetValue(skip)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
            };
        });
        return verb;
    }
}
