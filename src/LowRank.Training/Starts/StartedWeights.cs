using LowRank.Adapters;
using LowRank.Models;
using LowRank.Training.Methods;
using LowRank.Training.Settings;

namespace LowRank.Training.Starts;

/// <summary>What a run trains: all weights, an adapter that is continued, or a new one by its start.</summary>
internal static class StartedWeights
{
    /// <summary>The weights that a run begins with, and what its reader should know of them.</summary>
    /// <param name="settings">The run's settings.</param>
    /// <param name="folder">The adapter that it continues, or null.</param>
    /// <param name="model">The base.</param>
    /// <param name="checkpoint">The checkpoint that it goes on from, or null.</param>
    /// <param name="eva">Attaches an adapter that starts from the data.</param>
    /// <exception cref="LowRankException">Settings do not go together, or the adapter does not fit.</exception>
    public static (TrainedWeights Weights, IReadOnlyList<string> Warnings) Of(TrainSettings settings, string? folder, LanguageModel model, string? checkpoint, Func<LoraConfig, AttachedAdapter> eva)
    {
        var adapter = settings.Adapter;
        if (adapter.Method == "full" && settings.Optimization.Plus is not null)
            throw new LowRankException("--plus is for adapters: it gives their matrices B another learning rate than A. Leave it out, or take --method lora.");
        if (adapter is { Method: "full", Portable: true }) throw new LowRankException("--portable is for adapters: it puts their scaling into their matrices. Leave it out, or take --method lora.");
        if (adapter.Method == "full") return (new FullWeights(model), []);
        var found = new List<string>();
        var attached = folder is not null ? model.LoadAdapter(folder, found.Add) : adapter.ToConfig() switch
        {
            // What a checkpoint holds needs no start: its values are read, and the ranks that EVA shared out stand in its configuration.
            LoraConfig { Initialization: LoraInitialization.Eva or LoraInitialization.LoftQ } when checkpoint is not null => model.Attach(AdapterConfig.Load(checkpoint), settings.Optimization.Seed),
            LoraConfig { Initialization: LoraInitialization.Eva } lora => eva(lora),
            var config => model.Attach(config, settings.Optimization.Seed),
        };
        // Told before the run, whose result could not be written.
        if (adapter.Portable && PortableAdapter.Problem(attached.Config) is { } problem) throw new LowRankException($"--portable: {folder ?? "the adapter"} has no such form: {problem}.");
        return (new LoraWeights(model, attached), folder is null ? attached.Selection.Warnings : found);
    }
}
