using LowRank.Layers;

namespace LowRank.Optimizers;

/// <summary>
/// LoRA+ (arXiv:2402.12354): the matrices B learn faster than the matrices A, which is what wide models need for both to learn features. The groups are those of PEFT's
/// <c>create_loraplus_optimizer</c>: A (and whole matrices), embedding, B (and norms), and biases, which learn as B does without decay.
/// </summary>
/// <param name="Ratio">Learning rate of B over that of A, above 0; the paper proposes 16.</param>
/// <param name="EmbeddingLearningRate">The peak learning rate of a LoRA on an embedding, which is not scaled. Default 1e-6, as in PEFT.</param>
public sealed record LoraPlus(double Ratio, double EmbeddingLearningRate = 1e-6)
{
    /// <summary>Puts parameters into groups.</summary>
    /// <param name="parameters">The parameters of an adapter.</param>
    /// <param name="learningRate">The peak learning rate, that of A.</param>
    /// <param name="weightDecay">The decay of all groups but the biases.</param>
    /// <returns>The groups A, embedding, B and B_no_decay, some of which may be empty.</returns>
    public IReadOnlyList<ParameterGroup> Groups(IReadOnlyList<TrainableParameter> parameters, double learningRate, double weightDecay)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (!(Ratio > 0) || !double.IsFinite(Ratio)) throw new LowRankException($"The ratio of LoRA+ is {Ratio}; it must be a number above 0, such as 16.");
        List<int> a = [], embedding = [], b = [], biases = [];
        for (var i = 0; i < parameters.Count; i++)
        {
            var (name, isVector) = (parameters[i].Name, parameters[i].Shape.Length == 1);
            if (name.Contains(".lora_embedding_", StringComparison.Ordinal)) embedding.Add(i);
            else if (!isVector && !name.Contains("lora_B", StringComparison.Ordinal)) a.Add(i);
            else if (name.Contains("bias", StringComparison.Ordinal)) biases.Add(i);
            else b.Add(i);
        }
        return
        [
            new("A", 1, weightDecay, a),
            new("embedding", learningRate > 0 ? EmbeddingLearningRate / learningRate : 0, weightDecay, embedding),
            new("B", Ratio, weightDecay, b),
            new("B_no_decay", Ratio, 0, biases),
        ];
    }
}
