namespace LowRank.Training.Lecture.Memory;

/// <summary>The model of the lecture's bill: Llama-2-7B, by the sizes of its configuration.</summary>
internal static class SevenBillion
{
    private const long Hidden = 4096, Inner = 11008, Layers = 32, Vocabulary = 32000;

    /// <summary>Linear layers of a block: inputs and outputs of q, k, v, o, gate, up, down.</summary>
    private static readonly (string Name, long In, long Out)[] Linears =
    [
        ("q_proj", Hidden, Hidden), ("k_proj", Hidden, Hidden), ("v_proj", Hidden, Hidden), ("o_proj", Hidden, Hidden),
        ("gate_proj", Hidden, Inner), ("up_proj", Hidden, Inner), ("down_proj", Inner, Hidden),
    ];

    /// <summary>All linear layers of a block.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Linears.Select(l => l.Name)];

    /// <summary>Query and value.</summary>
    public static IReadOnlyList<string> QueryValue { get; } = ["q_proj", "v_proj"];

    /// <summary>Weights of the linear layers, the head not counted.</summary>
    public static long LinearWeights => Layers * Linears.Sum(l => l.In * l.Out);

    /// <summary>Weights of the token table and the head, which are two matrices here.</summary>
    public static long TableAndHead => 2 * Vocabulary * Hidden;

    /// <summary>Weights of the norms: two in a block, one behind all.</summary>
    public static long Norms => (2 * Layers + 1) * Hidden;

    /// <summary>All parameters.</summary>
    public static long Parameters => LinearWeights + TableAndHead + Norms;

    /// <summary>Bytes in 16 bits.</summary>
    public static long SixteenBitBytes => 2 * Parameters;

    /// <summary>Bytes of the linear layers in NF4 by blocks of 64, the scales in 8 bits by blocks of 256 with an offset a matrix, or in fp32.</summary>
    public static long LinearNf4Bytes(bool doubleQuantization) => Layers * Linears.Sum(l =>
    {
        long weights = l.In * l.Out, blocks = weights / 64;
        return weights / 2 + (doubleQuantization ? blocks + blocks / 256 * sizeof(float) + sizeof(float) : blocks * sizeof(float));
    });

    /// <summary>Bytes of what stays in 16 bits beside them.</summary>
    public static long UnquantizedBytes => 2 * (TableAndHead + Norms);

    /// <summary>Parameters of a LoRA over some of the modules of every block.</summary>
    public static long Trainable(long rank, IReadOnlyList<string> targets) => Layers * Linears.Where(l => targets.Contains(l.Name)).Sum(l => LoraSize.Pair(l.In, l.Out, rank));

    /// <summary>
    /// Bytes of activations of one sequence when every layer keeps its 16-bit input alone and one layer at a time has all of its inner states: the inputs of its norms and their
    /// outputs, q, k, v and the attended heads, and the three inner tensors of the MLP; and a chunk of 256 rows of logits in fp32 with their gradient.
    /// </summary>
    public static long CheckpointedActivationBytes(long tokens) => 2 * tokens * (Layers * Hidden + 9 * Hidden + 4 * Inner) + 2 * 256 * Vocabulary * sizeof(float);
}
