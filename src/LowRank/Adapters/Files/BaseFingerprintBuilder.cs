using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using LowRank.Formats;
using LowRank.Runtime.Interop;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// Takes the <see cref="BaseFingerprint"/> of a model while its tensors pass by. Each tensor is hashed on its own; the hashes are put
/// together in the order of the names. Not for use from several threads.
/// </summary>
public sealed class BaseFingerprintBuilder
{
    private const int PieceBytes = 1 << 24;
    private readonly SortedDictionary<string, (UInt128 Shape, UInt128 Content)> tensors = new(StringComparer.Ordinal);
    private readonly XxHash128 hash = new();

    /// <summary>Adds a tensor whose bytes are at hand.</summary>
    /// <param name="name">Its name in the model.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="bytes">Its elements as loaded, little-endian, row by row.</param>
    /// <exception cref="ArgumentException">A tensor of that name was added before.</exception>
    public unsafe void Add(string name, ReadOnlySpan<long> shape, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes) Add(name, shape, start, bytes.Length);
    }

    /// <summary>Adds a tensor of any size in native memory.</summary>
    /// <param name="name">Its name in the model.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="bytes">The first byte.</param>
    /// <param name="length">Number of bytes.</param>
    /// <exception cref="ArgumentException">A tensor of that name was added before.</exception>
    public unsafe void Add(string name, ReadOnlySpan<long> shape, byte* bytes, long length) => Add(name, shape, [((nint)bytes, length)]);

    /// <summary>Adds a tensor that is stored in several pieces, such as 4-bit codes and their scales.</summary>
    /// <param name="name">Its name in the model.</param>
    /// <param name="shape">The shape of what they stand for.</param>
    /// <param name="pieces">Address and number of bytes of each.</param>
    /// <exception cref="ArgumentException">A tensor of that name was added before.</exception>
    internal unsafe void Add(string name, ReadOnlySpan<long> shape, ReadOnlySpan<(nint Start, long Length)> pieces)
    {
        if (tensors.ContainsKey(name)) throw new ArgumentException($"The tensor {name} was added before.", nameof(name));
        hash.Reset();
        AppendText(name);
        Span<byte> number = stackalloc byte[8];
        foreach (var n in shape)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, n);
            hash.Append(number);
        }
        var shapeHash = hash.GetCurrentHashAsUInt128();
        foreach (var (start, length) in pieces)
            for (long done = 0; done < length; done += PieceBytes) hash.Append(new ReadOnlySpan<byte>((byte*)start + done, (int)Math.Min(PieceBytes, length - done)));
        tensors.Add(name, (shapeHash, hash.GetCurrentHashAsUInt128()));
    }

    /// <summary>Adds a tensor in memory, in its own dtype.</summary>
    /// <param name="name">Its name in the model.</param>
    /// <param name="tensor">The tensor, contiguous.</param>
    internal unsafe void Add(string name, Tensor tensor)
    {
        using var near = tensor.cpu();
        Add(name, near.shape, (byte*)TensorMemory.DataPointer(near), near.NumberOfElements * near.ElementSize);
    }

    /// <summary>Adds a tensor of a file and drops its pages, which would else count as memory of this process.</summary>
    /// <param name="source">The file or folder.</param>
    /// <param name="tensor">One of its tensors.</param>
    public unsafe void Add(ITensorSource source, TensorInfo tensor)
    {
        Add(tensor.Name, tensor.Shape, source.Pointer(tensor), tensor.ByteLength);
        source.DropPages(tensor);
    }

    /// <summary>The fingerprint of what was added.</summary>
    public BaseFingerprint Finish()
    {
        Span<byte> bytes = stackalloc byte[16];
        var (shapes, weights) = (new XxHash128(), new XxHash128());
        foreach (var (shape, content) in tensors.Values)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(bytes, shape);
            shapes.Append(bytes);
            BinaryPrimitives.WriteUInt128LittleEndian(bytes, content);
            weights.Append(bytes);
        }
        return new BaseFingerprint(Convert.ToHexStringLower(shapes.GetCurrentHash()), Convert.ToHexStringLower(weights.GetCurrentHash()));
    }

    private void AppendText(string text)
    {
        hash.Append(Encoding.UTF8.GetBytes(text));
        hash.Append([0]);
    }
}
