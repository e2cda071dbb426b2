using System.Runtime.InteropServices;
using LowRank.Runtime.Interop;
using TorchSharp;

namespace LowRank.Tests.Runtime.Interop;

/// <summary>Every test runs over libtorch's own functions and over their twins in TorchSharp.</summary>
public sealed unsafe class TensorMemoryTests
{
    private static IDisposable? Mode(bool direct) => direct ? null : NativeInterop.SwitchOff();

    [Theory, InlineData(true), InlineData(false)]
    public void A_tensor_over_memory_shares_it_and_does_not_free_it(bool direct)
    {
        using var mode = Mode(direct);
        var memory = (float*)NativeMemory.AlignedAlloc(24 * sizeof(float), 64);
        for (var i = 0; i < 24; i++) memory[i] = i;
        for (var round = 0; round < 3; round++)
        {
            using var tensor = TensorMemory.TensorFromPointer((nint)memory, [2, 3, 4], torch.float32);
            Assert.Equal([2, 3, 4], tensor.shape);
            Assert.Equal([12, 4, 1], tensor.stride());
            Assert.Equal((nint)memory, TensorMemory.DataPointer(tensor));
            Assert.Equal(23f - round, tensor[1, 2, 3].item<float>());
            tensor.sub_(1);
            Assert.Equal(22f - round, memory[23]);
        }
        NativeMemory.AlignedFree(memory);
    }

    [Theory]
    [InlineData(true, torch.ScalarType.BFloat16, 2)]
    [InlineData(false, torch.ScalarType.BFloat16, 2)]
    [InlineData(true, torch.ScalarType.Int64, 8)]
    [InlineData(false, torch.ScalarType.Int64, 8)]
    [InlineData(true, torch.ScalarType.Byte, 1)]
    [InlineData(false, torch.ScalarType.Byte, 1)]
    public void The_dtype_is_that_of_the_memory(bool direct, torch.ScalarType type, int size)
    {
        using var mode = Mode(direct);
        var bytes = new byte[48];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(7 * i);
        fixed (byte* data = bytes)
        {
            using var tensor = TensorMemory.TensorFromPointer((nint)data, [bytes.Length / size], type);
            Assert.Equal(type, tensor.dtype);
            Assert.Equal(size, tensor.element_size());
            using var copy = tensor.clone();
            Assert.Equal(bytes, copy.bytes.ToArray());
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Scalars_and_empty_tensors_have_their_shape(bool direct)
    {
        using var mode = Mode(direct);
        var value = 2.5;
        using var scalar = TensorMemory.TensorFromPointer((nint)(&value), [], torch.float64);
        Assert.Empty(scalar.shape);
        Assert.Equal(2.5, scalar.item<double>());
        using var none = TensorMemory.TensorFromPointer((nint)(&value), [3, 0], torch.float64);
        Assert.Equal([3, 0], none.shape);
        Assert.Equal(0, TensorMemory.Elements<double>(none).Length);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void The_pointer_of_a_view_counts_its_offset(bool direct)
    {
        using var mode = Mode(direct);
        using var whole = torch.arange(12, dtype: torch.int32).reshape(3, 4);
        using var row = whole[2];
        Assert.Equal(TensorMemory.DataPointer(whole) + 8 * sizeof(int), TensorMemory.DataPointer(row));
        Assert.Equal([8, 9, 10, 11], TensorMemory.Elements<int>(row).ToArray());
    }

    [Fact]
    public void Elements_refuses_what_is_not_plain_memory()
    {
        using var whole = torch.arange(12, dtype: torch.int32).reshape(3, 4);
        using var transposed = whole.t();
        Assert.Throws<ArgumentException>(() => TensorMemory.Elements<int>(transposed));
        Assert.Throws<ArgumentException>(() => TensorMemory.Elements<long>(whole));
        Assert.Throws<ArgumentOutOfRangeException>(() => TensorMemory.TensorFromPointer(0, [1], torch.float32));
    }
}
