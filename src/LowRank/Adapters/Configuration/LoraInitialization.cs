namespace LowRank.Adapters;

/// <summary>How A and B start (PEFT's <c>init_lora_weights</c>). With the first two kinds a new adapter changes nothing.</summary>
public enum LoraInitialization
{
    /// <summary>
    /// <c>true</c>: A Kaiming-uniform with a = √5, that is uniform in ±1/√in; B zero. On an embedding A is zero and B standard normal.
    /// </summary>
    KaimingUniform,

    /// <summary><c>"gaussian"</c>: A normal with standard deviation 1/rank, B zero. On an embedding as <see cref="KaimingUniform"/>.</summary>
    Gaussian,

    /// <summary>
    /// <c>false</c>: B is not zero, so the adapter changes the model before training (for tests): A and B as PyTorch starts a linear layer,
    /// uniform in ±1/√in and ±1/√rank; on an embedding both standard normal.
    /// </summary>
    Random,
}
