using LowRank.Runtime.Interop;
using LowRank.Runtime.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Tests.Kernels;

/// <summary>Blocks of memory that come back: no two tensors share one, the same one serves again, and what lies idle does not grow.</summary>
[Collection(nameof(NativeTensors))]
public sealed unsafe class BlockPoolTests
{
    [Fact]
    public void A_block_serves_again()
    {
        var lent = BlockPool.LentBytes;
        var first = BlockPool.Rent(300_000);
        var second = BlockPool.Rent(300_000);
        Assert.False(first == second);
        Assert.Equal(0, (nint)first % 4096);
        BlockPool.Return(first);
        Assert.True(BlockPool.Rent(299_999) == first);
        BlockPool.Return(first);
        BlockPool.Return(second);
        Assert.Equal(lent, BlockPool.LentBytes);
    }

    [Fact]
    public void What_lies_idle_makes_room_for_another_size()
    {
        BlockPool.Trim();
        var (lent, blocks) = (BlockPool.LentBytes, new List<nint>());
        // Sixteen batches of growing width, as data has them: all blocks together are hardly more than the widest batch needs, where each width by itself would come to eight times that.
        for (var width = 1; width <= 16; width++)
        {
            for (var i = 0; i < 8; i++) blocks.Add((nint)BlockPool.Rent(width * 1_000_000));
            foreach (var block in blocks) BlockPool.Return((void*)block);
            blocks.Clear();
            Assert.InRange(BlockPool.FreeBytes, 8 * width * 1_000_000, 9 * width * 1_150_000 + BlockPool.Slack);
        }
        BlockPool.Trim();
        Assert.Equal(0, BlockPool.FreeBytes);
        Assert.Equal(lent, BlockPool.LentBytes);
    }

    [Fact]
    public void A_step_like_the_last_one_takes_nothing_from_the_system()
    {
        BlockPool.Trim();
        var before = 0L;
        for (var step = 0; step < 4; step++)
        {
            // Forward: what layers keep, of two sizes. Backward: it comes back layer by layer, while small blocks of other sizes come and go.
            var kept = new Stack<nint>();
            for (var layer = 0; layer < 30; layer++)
            {
                kept.Push((nint)BlockPool.Rent(12_000_000));
                kept.Push((nint)BlockPool.Rent(4_500_000));
            }
            for (var layer = 0; layer < 30; layer++)
            {
                var (small, other) = ((nint)BlockPool.Rent(100_000), (nint)BlockPool.Rent(9_000_000));
                BlockPool.Return((void*)kept.Pop());
                BlockPool.Return((void*)kept.Pop());
                BlockPool.Return((void*)small);
                BlockPool.Return((void*)other);
            }
            if (step == 1) before = BlockPool.NewBytes;
        }
        Assert.Equal(before, BlockPool.NewBytes);
        BlockPool.Trim();
    }

    [Fact]
    public void A_block_is_given_back_once()
    {
        var block = BlockPool.Rent(1 << 20);
        BlockPool.Return(block);
        var again = (nint)block;
        Assert.Throws<ArgumentException>(() => BlockPool.Return((void*)again));
    }

    [Fact]
    public void A_tensor_gives_its_block_back_with_its_last_view()
    {
        var lent = BlockPool.LentBytes;
        var tensor = PooledTensor.Empty([512, 512]);
        Assert.True(BlockPool.LentBytes - lent >= 1 << 20);
        Tensor view;
        using (var flat = tensor.view(-1)) view = flat.narrow(0, 5, 10);
        TensorMemory.Elements<float>(tensor).Fill(2);
        tensor.Dispose();
        Assert.True(BlockPool.LentBytes > lent);
        Assert.Equal(Enumerable.Repeat(2f, 10), TensorMemory.Elements<float>(view).ToArray());
        view.Dispose();
        Assert.Equal(lent, BlockPool.LentBytes);
    }

    [Fact]
    public void Small_and_empty_tensors_are_the_librarys_own()
    {
        var lent = BlockPool.LentBytes;
        using var small = PooledTensor.Empty([3, 4]);
        using var none = PooledTensor.Empty([0, 1 << 20]);
        Assert.Equal([3, 4], small.shape);
        Assert.Equal(0, none.numel());
        Assert.Equal(lent, BlockPool.LentBytes);
    }
}
