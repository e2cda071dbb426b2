using LowRank.Adapters.Experts;
using LowRank.Adapters.Initialization;
using LowRank.Adapters.Lora;
using LowRank.Adapters.Tokens;
using LowRank.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>Puts an adapter into the slots of a model that hold frozen layers.</summary>
public static class AdapterInjector
{
    /// <summary>
    /// Chooses the targets as PEFT does and replaces their layers. A new adapter changes nothing (but by rounding) until it is trained, except where its configuration asks for random values.
    /// </summary>
    /// <param name="slots">The model's slots.</param>
    /// <param name="config">The settings.</param>
    /// <param name="modelType">The model's family, for its default targets.</param>
    /// <param name="seed">Seed of the initial values.</param>
    /// <exception cref="LoraConfigException">A target matches nothing, or a setting is wrong; all problems are listed.</exception>
    public static AttachedAdapter Attach(IReadOnlyList<ModuleSlot> slots, AdapterConfig config, string? modelType, long seed = 0) => Attach(slots, config, modelType, seed, null);

    /// <summary>The same, where weights as they were before they were quantized are at hand: fp32 <c>[out, in]</c> by the module's name.</summary>
    internal static AttachedAdapter Attach(IReadOnlyList<ModuleSlot> slots, AdapterConfig config, string? modelType, long seed, Func<string, Tensor>? original)
    {
        var modules = slots.Describe();
        var selection = TargetMatcher.Select(config, modules, modelType);
        var byName = slots.ToDictionary(s => s.Name, StringComparer.Ordinal);
        var dropout = new Dropout();
        var parameters = new List<TrainableParameter>();
        var method = AdapterMethod.Of(selection.Config);
        using var generator = new Generator((ulong)seed, CPU);
        for (var i = 0; i < selection.Targets.Count; i++)
        {
            var target = selection.Targets[i];
            switch (byName[target.Module.Name])
            {
                case EmbeddingSlot embedding:
                    var table = (FrozenEmbedding)embedding.Module;
                    var pair = LoraInitializer.Embedding(target, ((LoraConfig)config).Initialization, generator, table.Weight.Device);
                    embedding.Module = new AdaptedEmbedding(table, new LoraEmbeddingAdapter(pair.A, pair.B, target.Scaling));
                    parameters.AddRange([pair.A, pair.B]);
                    break;
                case LinearSlot linear when target.TiedTo is { } tied && byName[tied] is EmbeddingSlot { Module: AdaptedEmbedding shared }:
                    linear.Module = new AdaptedLinear((FrozenLinear)linear.Module, new LoraAdapter(shared.Adapter, target.Scaling, dropout, ((LoraConfig)config).Dropout, i));
                    break;
                case LinearSlot linear:
                    var frozen = (FrozenLinear)linear.Module;
                    var adapter = method.Create(target, frozen, new AdapterStart(generator, dropout, i, original));
                    linear.Module = new AdaptedLinear(frozen, adapter);
                    parameters.AddRange(adapter.Parameters);
                    break;
                case ExpertsSlot experts:
                    experts.Adapter = new ExpertsAdapter(experts, target, (LoraConfig)config, generator);
                    parameters.AddRange(experts.Adapter.Parameters);
                    break;
                case var other:
                    throw new LoraConfigException($"{other.Name} is a norm: it can be saved whole, but not adapted.");
            }
        }
        foreach (var tokens in selection.Tokens) parameters.AddRange(TrainRows(byName, tokens));
        foreach (var saved in selection.ModulesToSave) parameters.AddRange(SaveWhole(byName, saved));
        if (config.Bias != BiasTraining.None) parameters.AddRange(TrainBiases(slots, config.Bias));
        return new AttachedAdapter(slots, modules, selection, dropout, parameters);
    }

    private static IEnumerable<TrainableParameter> TrainRows(Dictionary<string, ModuleSlot> byName, TokenTarget target)
    {
        TrainableParameter Rows(Quantization.FrozenWeight weight)
        {
            using var ids = tensor(target.Tokens.Select(t => (long)t).ToArray(), device: weight.Device);
            return new TrainableParameter(AdapterKeys.NameOf(target.Module.Name, AdapterTensorKind.TokenRows), weight.Rows(ids, ScalarType.Float32));
        }

        switch (byName[target.Module.Name])
        {
            case EmbeddingSlot { Module: FrozenEmbedding table } embedding:
                var rows = Rows(table.Weight);
                embedding.Module = new TokenEmbedding(table, new TokenRows(rows, target.Tokens, table.Rows));
                return [rows];
            case LinearSlot { Module: FrozenLinear frozen } head when target.TiedTo is { } tied && byName[tied] is EmbeddingSlot { Module: TokenEmbedding shared }:
                head.Module = new TokenHead(frozen, shared.Trained, ownsRows: false);
                return [];
            case LinearSlot { Module: FrozenLinear frozen } head:
                var own = Rows(frozen.Weight);
                head.Module = new TokenHead(frozen, new TokenRows(own, target.Tokens, frozen.OutFeatures), ownsRows: true);
                return [own];
            case var other:
                throw new LoraConfigException($"trainable_token_indices: {other.Name} has no rows of tokens that could be trained.");
        }
    }

    private static IEnumerable<TrainableParameter> SaveWhole(Dictionary<string, ModuleSlot> byName, SavedModule saved)
    {
        switch (byName[saved.Module.Name])
        {
            case EmbeddingSlot { Module: FrozenEmbedding table } embedding:
                var weight = new TrainableParameter($"{embedding.Name}.weight", table.Weight.Dequantize(0, table.Rows));
                embedding.Module = new TrainedEmbedding(weight, table);
                return [weight];
            case LinearSlot { Module: FrozenLinear frozen } linear when saved.TiedTo is { } tied && byName[tied] is EmbeddingSlot { Module: TrainedEmbedding shared }:
                linear.Module = new TrainedLinear(shared.Weight, null, frozen, ownsWeight: false) { ProductType = frozen.Weight.ProductType };
                return [];
            case LinearSlot { Module: FrozenLinear frozen } linear:
                var whole = new TrainableParameter($"{linear.Name}.weight", frozen.StoredWeight());
                var bias = frozen.Bias is { } b ? new TrainableParameter($"{linear.Name}.bias", b.to(ScalarType.Float32, copy: true)) : null;
                linear.Module = new TrainedLinear(whole, bias, frozen) { ProductType = frozen.Weight.ProductType, IsTransposed = frozen.IsTransposed };
                return bias is null ? [whole] : [whole, bias];
            case NormSlot norm:
                var scale = norm.Module.Train($"{norm.Name}.weight");
                return norm.Module.HasBias ? [scale, norm.Module.TrainBias($"{norm.Name}.bias")] : [scale];
            case var other:
                throw new LoraConfigException($"{other.Name} is in modules_to_save and is adapted too: it can be one or the other.");
        }
    }

    private static IEnumerable<TrainableParameter> TrainBiases(IReadOnlyList<ModuleSlot> slots, BiasTraining which)
    {
        foreach (var slot in slots)
        {
            if (slot is LinearSlot { Module: AdaptedLinear { Frozen.HasBias: true } adapted }) yield return adapted.Frozen.TrainBias($"{slot.Name}.base_layer.bias");
            if (which != BiasTraining.All) continue;
            if (slot is LinearSlot { Module: FrozenLinear { HasBias: true } frozen }) yield return frozen.TrainBias($"{slot.Name}.bias");
            // One that is saved whole trains its bias already.
            if (slot is NormSlot { Module: { HasBias: true, TrainedBias: null } norm }) yield return norm.TrainBias($"{slot.Name}.bias");
        }
    }
}
