using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization;

/// <summary>The values that A and B start from where these do not depend on the weight, drawn from a generator of our own: the global one is never touched.</summary>
internal static class LoraInitializer
{
    /// <summary>A <c>[r, in]</c>, B <c>[out, r]</c> and, with <c>lora_bias</c>, a bias of zeros.</summary>
    public static (TrainableParameter A, TrainableParameter B, TrainableParameter? Bias) Linear(AdapterTarget target, LoraConfig config, Generator generator, Device device)
    {
        // Over a parameter of experts the matrices of all stand in one, and the usual bounds are those of that one, as PEFT has them.
        var (name, rank) = (target.FileName, target.Rank * target.Pairs);
        long inFeatures = target.Module.InFeatures, outFeatures = target.Module.OutFeatures;
        using var scope = NewDisposeScope();
        Tensor Normal(params long[] shape) => randn(shape, ScalarType.Float32, generator: generator);
        var (a, b) = config.Initialization switch
        {
            // EVA's directions come from data, LoftQ's matrices from what quantizing lost: here is what modules have that are given neither.
            LoraInitialization.KaimingUniform or LoraInitialization.Eva or LoraInitialization.LoftQ => (Uniform([rank, inFeatures], 1 / Math.Sqrt(inFeatures), generator), zeros(outFeatures, rank)),
            LoraInitialization.Gaussian => (Normal(rank, inFeatures) / Scalars.Of(target.Rank), zeros(outFeatures, rank)),
            LoraInitialization.Random => (Uniform([rank, inFeatures], 1 / Math.Sqrt(inFeatures), generator), Uniform([outFeatures, rank], 1 / Math.Sqrt(rank), generator)),
            LoraInitialization.Orthogonal => OrthogonalPair.Of(Normal(rank, rank), Normal(inFeatures, rank / 2), Normal(rank / 2, outFeatures)),
            var other => throw new ArgumentException($"{other} takes its values from the weight, not from a generator.", nameof(config)),
        };
        return (
            new TrainableParameter($"{name}.lora_A.weight", a.to(device).MoveToOuterDisposeScope()),
            new TrainableParameter($"{name}.lora_B.weight", b.to(device).MoveToOuterDisposeScope()),
            config.LoraBias ? new TrainableParameter($"{name}.lora_B.bias", zeros([outFeatures], device: device).MoveToOuterDisposeScope()) : null);
    }

    /// <summary>A <c>[r, vocabulary]</c> of zeros (standard normal with <see cref="LoraInitialization.Random"/>), B <c>[hidden, r]</c> standard normal.</summary>
    public static (TrainableParameter A, TrainableParameter B) Embedding(AdapterTarget target, LoraInitialization initialization, Generator generator, Device device)
    {
        var (name, rank) = (target.Module.Name, target.Rank);
        long rows = target.Module.InFeatures, features = target.Module.OutFeatures;
        using var scope = NewDisposeScope();
        var a = initialization == LoraInitialization.Random ? randn([rank, rows], ScalarType.Float32, generator: generator) : zeros(rank, rows);
        var b = randn([features, rank], ScalarType.Float32, generator: generator);
        return (
            new TrainableParameter($"{name}.lora_embedding_A", a.to(device).MoveToOuterDisposeScope()),
            new TrainableParameter($"{name}.lora_embedding_B", b.to(device).MoveToOuterDisposeScope()));
    }

    private static Tensor Uniform(long[] shape, double bound, Generator generator) => rand(shape, ScalarType.Float32, generator: generator) * Scalars.Of(2 * bound) - Scalars.Of(bound);
}
