using LowRank.Runtime.Interop;
using TorchSharp;

namespace LowRank.Runtime.Interop;

/// <summary>
/// fp32 matrix products on the calling thread, for work that is itself shared among threads. MKL's <c>sgemm</c> where libtorch exports it; else libtorch's own product,
/// which stays on one thread inside <see cref="TorchThreads.For"/>. Matrices are row-major with a row length of their own. Made on the thread that asks, so
/// that <see cref="NativeInterop.SwitchOff"/> holds for the workers too.
/// </summary>
internal readonly unsafe struct SingleThreadGemm
{
    private readonly bool direct;

    private SingleThreadGemm(bool direct) => this.direct = direct;

    /// <summary>The product that the calling thread may use.</summary>
    public static SingleThreadGemm Create()
    {
        NativeRuntime.Load();
        return new(NativeInterop.Enabled && Mkl.Present);
    }

    /// <summary>Keeps MKL on this thread until the scope is disposed, on the same thread.</summary>
    public Alone Enter() => new(this);

    /// <summary>Keeps MKL on this thread; what it returns is for <see cref="GiveBack"/>.</summary>
    public int KeepAlone() => direct ? Mkl.SetNumThreadsLocal(1) : 0;

    /// <summary>Gives the thread MKL's earlier setting back.</summary>
    public void GiveBack(int before)
    {
        if (direct) Mkl.SetNumThreadsLocal(before);
    }

    /// <summary><c>C = A · Bᵀ</c> with A <c>[m, k]</c>, B <c>[n, k]</c>, C <c>[m, n]</c>.</summary>
    public void TimesTransposed(int m, int n, int k, float* a, int aRow, float* b, int bRow, float* c, int cRow)
    {
        if (!direct)
        {
            using var right = View(b, n, k, bRow);
            using var transposed = right.t();
            Plain(m, n, k, a, aRow, transposed, add: false, c, cRow);
            return;
        }
        // Row-major C is column-major Cᵀ = B · Aᵀ.
        byte t = (byte)'T', plain = (byte)'N';
        float one = 1, zero = 0;
        Mkl.Sgemm(&t, &plain, &n, &m, &k, &one, b, &bRow, a, &aRow, &zero, c, &cRow);
    }

    /// <summary><c>C = A · B</c>, or <c>C += A · B</c>, with A <c>[m, k]</c>, B <c>[k, n]</c>, C <c>[m, n]</c>.</summary>
    public void Times(int m, int n, int k, float* a, int aRow, float* b, int bRow, bool add, float* c, int cRow)
    {
        if (!direct)
        {
            using var right = View(b, k, n, bRow);
            Plain(m, n, k, a, aRow, right, add, c, cRow);
            return;
        }
        var plain = (byte)'N';
        float one = 1, beta = add ? 1 : 0;
        Mkl.Sgemm(&plain, &plain, &n, &m, &k, &one, b, &bRow, a, &aRow, &beta, c, &cRow);
    }

    /// <summary><c>C += Aᵀ · B</c> with A <c>[k, m]</c>, B <c>[k, n]</c>, C <c>[m, n]</c>.</summary>
    public void TransposedTimesAdd(int m, int n, int k, float* a, int aRow, float* b, int bRow, float* c, int cRow)
    {
        if (!direct)
        {
            using var noGrad = torch.no_grad();
            using var stored = View(a, k, m, aRow);
            using var left = stored.t();
            using var right = View(b, k, n, bRow);
            using var product = torch.mm(left, right);
            using var target = View(c, m, n, cRow);
            target.add_(product, Scalars.One);
            return;
        }
        byte t = (byte)'T', plain = (byte)'N';
        float one = 1;
        Mkl.Sgemm(&plain, &t, &n, &m, &k, &one, b, &bRow, a, &aRow, &one, c, &cRow);
    }

    private static void Plain(int m, int n, int k, float* a, int aRow, torch.Tensor right, bool add, float* c, int cRow)
    {
        using var noGrad = torch.no_grad();
        using var left = View(a, m, k, aRow);
        using var product = torch.mm(left, right);
        using var target = View(c, m, n, cRow);
        if (add) target.add_(product, Scalars.One);
        else target.copy_(product);
    }

    // Over the memory up to the last element and no further.
    private static torch.Tensor View(float* data, int rows, int columns, int row)
    {
        using var flat = TensorMemory.TensorFromPointer((nint)data, [(long)(rows - 1) * row + columns], torch.ScalarType.Float32);
        return flat.as_strided([rows, columns], [row, 1]);
    }

    /// <summary>While it lasts, MKL computes the products of this thread on this thread.</summary>
    internal readonly ref struct Alone
    {
        private readonly SingleThreadGemm gemm;
        private readonly int before;

        internal Alone(SingleThreadGemm gemm) => (this.gemm, before) = (gemm, gemm.KeepAlone());

        /// <summary>Gives the thread MKL's earlier setting back.</summary>
        public void Dispose() => gemm.GiveBack(before);
    }
}
