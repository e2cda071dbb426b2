using LowRank.Adapters;
using LowRank.Formats;

namespace LowRank.Models.Export;

/// <summary>The update of one matrix in a GGUF adapter.</summary>
/// <param name="Module">The module's name in the base.</param>
/// <param name="Name">The name of its weight in GGUF.</param>
/// <param name="A">A in the adapter's file, <c>[rank, in]</c>.</param>
/// <param name="B">B in the adapter's file, <c>[out, rank]</c>.</param>
/// <param name="HeadRows">Rows of a head whose halves are interleaved, or 0.</param>
internal sealed record GgufAdapterUpdate(string Module, string Name, TensorInfo A, TensorInfo B, long HeadRows)
{
    // An embedding looks a token's row up, so its A lies the other way round.
    private bool IsEmbedding => Name == GgufNames.Embedding;

    private int Rank => (int)A.Shape[0];

    /// <summary>Name and shape of the two tensors.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Tensors => [($"{Name}.lora_a", IsEmbedding ? [A.Shape[1], A.Shape[0]] : A.Shape), ($"{Name}.lora_b", B.Shape)];

    /// <summary>Their values, B multiplied so that alpha / rank gives the adapter's scaling.</summary>
    public float[][] Read(AdapterFolder folder, float alpha)
    {
        float[] a = new float[A.Elements], b = new float[B.Elements];
        folder.TryRead(A.Name, a);
        folder.TryRead(B.Name, b);
        if (IsEmbedding) a = Transposed(a);
        if (HeadRows > 0) b = Interleaved(b);
        var rest = folder.Config.ScalingOf(Rank, new TargetMatcher(folder.Config).NumbersFor(Module).Alpha) * Rank / alpha;
        if (Math.Abs(rest - 1) > 1e-9) // else the factor is one but for rounding, and B stays as it is
            for (var i = 0; i < b.Length; i++) b[i] = (float)(b[i] * rest);
        return [a, b];
    }

    private float[] Transposed(float[] a)
    {
        var (rank, width) = (Rank, (int)A.Shape[1]);
        var turned = new float[a.Length];
        for (var r = 0; r < rank; r++)
            for (var i = 0; i < width; i++) turned[i * rank + r] = a[r * width + i];
        return turned;
    }

    private float[] Interleaved(float[] b)
    {
        var order = new PlannedTensor(Name, TensorType.F32, B.Shape) { HeadRows = HeadRows };
        var moved = new float[b.Length];
        for (var row = 0; row < B.Shape[0]; row++) b.AsSpan((int)order.SourceRow(row) * Rank, Rank).CopyTo(moved.AsSpan(row * Rank));
        return moved;
    }
}
