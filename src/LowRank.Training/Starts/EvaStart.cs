using LowRank.Adapters;
using LowRank.Adapters.Initialization.Eva;
using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Objectives;
using LowRank.Training.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Starts;

/// <summary>A LoRA that starts from the data that it is to learn: EVA's directions and ranks, found over the first batches of the run, as the run will see them.</summary>
internal static class EvaStart
{
    // PEFT goes on until every direction stands still; with few tokens a batch that may be never.
    private const int MostBatches = 64;

    /// <summary>Puts the LoRA into the model.</summary>
    /// <param name="model">The model, without an adapter.</param>
    /// <param name="config">The settings, with the start EVA.</param>
    /// <param name="seed">Of modules that get no directions.</param>
    /// <param name="examples">What is learned.</param>
    /// <param name="batches">How it becomes batches.</param>
    /// <param name="tell">Is told what was found, in a line.</param>
    /// <param name="cancellation">Ends the search between two batches.</param>
    /// <exception cref="LowRankException">The settings do not fit the model, or batches have too few tokens.</exception>
    public static AttachedAdapter Attach(LanguageModel model, LoraConfig config, long seed, IReadOnlyList<Example> examples, BatchOptions batches, Action<string>? tell = null, CancellationToken cancellation = default)
    {
        using var search = new EvaSearch(model.Decoder.Slots, config, model.Decoder.Spec.ModelType);
        var sampler = new EpochSampler(examples, batches);
        var seen = 0;
        using (no_grad())
            for (; seen < MostBatches && search.Searching > 0; seen++)
            {
                cancellation.ThrowIfCancellationRequested();
                Look(model, search, sampler.Next(), (config.Eva ?? new EvaConfig()).UsesLabelMask);
            }
        var (found, directions) = search.Result();
        tell?.Invoke($"init eva: {seen} batches looked at, ranks {Ranks(found, directions)}{(search.Count > directions.Count ? $", {search.Count - directions.Count} modules explain too little to get one" : "")}{(search.Searching > 0 ? $"; the directions of {search.Searching} modules still turned" : "")}");
        search.Dispose();
        var attached = model.Attach(found, seed);
        foreach (var parameter in attached.Parameters)
            if (AdapterKeys.Parse(parameter.Name) is (AdapterTensorKind.LoraA, var module) && directions.TryGetValue(module, out var value)) parameter.Set(value);
        foreach (var value in directions.Values) value.Dispose();
        return attached;
    }

    private static void Look(LanguageModel model, EvaSearch search, Batch batch, bool usesLabelMask)
    {
        using var scope = NewDisposeScope();
        long[] places = [.. Enumerable.Range(0, batch.InputIds.Length).Where(i => usesLabelMask ? batch.Labels[i] != Batch.IgnoredLabel : batch.SequenceIds[i] != 0).Select(i => (long)i)];
        using var input = CausalLoss.Input(batch, model.Decoder.Device);
        search.Look(tensor(places, device: model.Decoder.Device), () => model.Decoder.Hidden(input).Dispose());
    }

    private static string Ranks(LoraConfig config, IReadOnlyDictionary<string, Tensor> directions)
    {
        var ranks = directions.Values.Select(d => d.shape[0]).ToArray();
        return ranks.Min() == ranks.Max() ? $"{config.Rank}" : $"{ranks.Min()} to {ranks.Max()}";
    }
}
