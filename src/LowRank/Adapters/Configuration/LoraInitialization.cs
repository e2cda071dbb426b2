namespace LowRank.Adapters;

/// <summary>How A and B start (PEFT's <c>init_lora_weights</c>). A new adapter changes nothing, except with <see cref="Random"/> and <see cref="LoftQ"/>.</summary>
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

    /// <summary>
    /// <c>"pissa"</c> or, with <see cref="LoraConfig.PissaIterations"/>, <c>"pissa_niter_N"</c>: from the largest singular values and vectors of the weight (arXiv:2404.02948), which
    /// are subtracted again beside the unchanged weight. Not on embeddings.
    /// </summary>
    Pissa,

    /// <summary><c>"olora"</c>: from the QR decomposition of the weight (arXiv:2406.01775), subtracted as with <see cref="Pissa"/>. Not on embeddings.</summary>
    OLora,

    /// <summary><c>"orthogonal"</c>: A and B random with orthogonal rows and columns, so that B A is zero and neither is. The rank must be even. On an embedding as <see cref="KaimingUniform"/>.</summary>
    Orthogonal,

    /// <summary>
    /// <c>"eva"</c>: A from the principal directions of each layer's inputs, B zero, and ranks shared out by the variance that they explain (arXiv:2410.07170, <see cref="LoraConfig.Eva"/>).
    /// A run of training finds them in its data; where there is none, as when a file is read, A starts as with <see cref="KaimingUniform"/>, as in PEFT.
    /// </summary>
    Eva,

    /// <summary>
    /// Over a base in 4 bits: B A is the best of its rank for what quantizing took from a weight (LoftQ, arXiv:2310.08659, with one iteration). The base stays as it is, so that what is saved
    /// is a plain LoRA for it: no file names this start. Modules that are not in 4 bits start as with <see cref="KaimingUniform"/>.
    /// </summary>
    LoftQ,
}
