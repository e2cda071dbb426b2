using System.CommandLine;
using LowRank.Adapters;
using LowRank.Cli.Terminal;
using LowRank.Models;
using LowRank.Models.Checkpoints;
using LowRank.Models.Hub;
using LowRank.Quantization;
using LowRank.Runtime;
using LowRank.Runtime.ComputeTypes;

namespace LowRank.Cli.Options;

/// <summary>Which model a verb uses, with which adapter: the same options wherever a model is loaded.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string> model = new("--model")
    {
        Description = "A Hugging Face folder, a .gguf file or a hub id such as org/name. With --adapter it may be left out: the adapter names its base.", HelpName = "MODEL",
    };

    private readonly Option<string> adapter = new("--adapter") { Description = "An adapter of LowRank or PEFT to use with the model: a folder or a hub id.", HelpName = "ADAPTER" };

    private readonly Option<string> revision = new("--revision") { Description = "The revision of a model named by a hub id: a branch, a tag or a commit; the same as MODEL@REVISION.", HelpName = "REVISION" };

    private readonly Option<string> dtype = new("--dtype") { Description = "The dtype of matrix products: fp32, bf16, or on a GPU fp16.", HelpName = "NAME", DefaultValueFactory = _ => "fp32" };

    private readonly Option<string> device = new("--device") { Description = "Where the model computes: cpu, cuda (the first GPU) or cuda:N; auto takes a GPU where there is one.", HelpName = "NAME", DefaultValueFactory = _ => "auto" };

    private readonly Option<int?> threads = new("--threads") { Description = "Threads of the tensor library. [default: all processors]", HelpName = "COUNT" };

    private readonly Option<string> quantize = new("--quantize")
    {
        Description = "Hold the layers' matrices in 4 bits: nf4 or fp4; none keeps them as they are; auto does what the adapter was trained on.", HelpName = "FORM", DefaultValueFactory = _ => "auto",
    };

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(VerbCommand verb)
    {
        dtype.AcceptOnlyFromAmong("fp32", "bf16", "fp16");
        quantize.AcceptOnlyFromAmong("auto", "none", "nf4", "fp4");
        threads.AtLeast(1);
        verb.AddGroup("model", [model, revision, adapter, quantize, dtype, device, threads]);
    }

    /// <summary>Whether an adapter was asked for.</summary>
    public bool HasAdapter(ParseResult parsed) => Adapter(parsed) is not null;

    /// <summary>The adapter that was asked for, or null.</summary>
    public string? Adapter(ParseResult parsed) => parsed.GetValue(adapter);

    /// <summary>Loads the model and puts the adapter into it.</summary>
    /// <exception cref="LowRankException">There is no model, or something is wrong with it or the adapter.</exception>
    public Task<LanguageModel> LoadAsync(ParseResult parsed, Screen screen, CancellationToken cancellation) => LoadAsync(parsed, screen, [Adapter(parsed)], cancellation);

    /// <summary>Loads the model and puts the adapter into it that all rows use; of several it holds all, by these names.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="screen">Is told what is done.</param>
    /// <param name="adapters">The adapter of each row: a folder or a hub id; null for the base alone.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="LowRankException">There is no model, or something is wrong with it or an adapter.</exception>
    public async Task<LanguageModel> LoadAsync(ParseResult parsed, Screen screen, IReadOnlyList<string?> adapters, CancellationToken cancellation)
    {
        var folders = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var named in adapters.OfType<string>().Distinct(StringComparer.Ordinal))
            folders.Add(named, await Task.Run(() => ModelLoader.LocateAdapter(named, new ModelLoadOptions { Progress = screen.Progress }, cancellation), cancellation).ConfigureAwait(false));
        // That of the command line, if rows use it, says what the base is; else the first.
        var adapterName = Adapter(parsed) is { } given && folders.ContainsKey(given) ? given : folders.Keys.FirstOrDefault();
        var folder = adapterName is null ? null : folders[adapterName];
        var isOne = folders.Count == 1 && !adapters.Contains(null);
        var name = parsed.GetValue(model) ?? (folder is null ? null : BaseOf(folder))
            ?? throw new UsageException(folder is null ? "Which model? --model MODEL, or --adapter ADAPTER that names its base." : $"{adapterName} does not name its base model: say it with --model.");
        name = HubId.WithRevision(name, parsed.GetValue(revision));
        // A device that is not there is told before anything is read.
        var where = ComputeDevice.Find(parsed.GetValue(device));
        var form = Form(parsed.GetValue(quantize)!, folder);
        screen.Progress($"Loading {name}{(form is null ? "" : $" in {form.TypeName.ToUpperInvariant()}")}{(folder is null ? "" : folders.Count == 1 ? $" with {adapterName}" : $" with {folders.Count} adapters")}");
        var loaded = await LanguageModel.LoadAsync(name, new ModelLoadOptions
        {
            ComputeType = ComputeTypeChoice.TypeOf(parsed.GetValue(dtype)),
            Device = where,
            Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount,
            Progress = screen.Progress,
            Quantization = form,
        }, cancellation).ConfigureAwait(false);
        try
        {
            if (isOne) loaded.LoadAdapter(folder!, screen.Warn);
            else if (folders.Count > 0)
            {
                var held = loaded.HoldAdapters();
                foreach (var (key, at) in folders)
                {
                    using (var opened = AdapterFolder.Open(at)) loaded.Warn(opened, at, screen.Warn);
                    held.Add(key, at);
                }
            }
            return loaded;
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    private static FourBitOptions? Form(string form, string? adapter) => form switch
    {
        "none" => null,
        "auto" => adapter is null ? null : AdapterRecord.Load(adapter)?.Quantization,
        _ => new FourBitOptions { Type = FourBitOptions.TypeOf(form) },
    };

    private static string? BaseOf(string folder)
    {
        using var opened = AdapterFolder.Open(folder);
        return opened.Config.BaseModel;
    }
}
