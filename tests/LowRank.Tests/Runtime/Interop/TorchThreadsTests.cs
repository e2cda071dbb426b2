using LowRank.Runtime.Interop;

namespace LowRank.Tests.Runtime.Interop;

public sealed class TorchThreadsTests
{
    private static IDisposable? Mode(bool direct) => direct ? null : NativeInterop.SwitchOff();

    [Theory]
    [InlineData(true, 0, 1000, 1)]
    [InlineData(false, 0, 1000, 1)]
    [InlineData(true, 5, 12, 100)]
    [InlineData(false, 5, 12, 100)]
    [InlineData(true, 3, 3, 1)]
    [InlineData(false, 3, 3, 1)]
    public void Every_index_is_visited_once(bool direct, long begin, long end, long grain)
    {
        using var mode = Mode(direct);
        var visits = new int[end + 1];
        TorchThreads.For(begin, end, grain, (from, to) =>
        {
            for (var i = from; i < to; i++) Interlocked.Increment(ref visits[i]);
        });
        for (var i = 0; i <= end; i++) Assert.Equal(i >= begin && i < end ? 1 : 0, visits[i]);
    }

    [Theory]
    [InlineData(true, 1000, 1), InlineData(false, 1000, 1), InlineData(true, 1000, 7), InlineData(true, 12, 100), InlineData(true, 0, 1), InlineData(false, 0, 1)]
    public void Shared_indices_are_visited_once_in_ranges_of_a_piece(bool direct, long count, long piece)
    {
        using var mode = Mode(direct);
        var visits = new int[count];
        TorchThreads.Share(count, piece, (from, to) =>
        {
            Assert.True(from % piece == 0 && to == Math.Min(count, from + piece));
            for (var i = from; i < to; i++) Interlocked.Increment(ref visits[i]);
        });
        Assert.All(visits, v => Assert.Equal(1, v));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void An_exception_of_the_body_reaches_the_caller(bool direct)
    {
        using var mode = Mode(direct);
        var error = Assert.Throws<InvalidDataException>(() => TorchThreads.For(0, 64, 1, (from, to) =>
        {
            if (from <= 40 && 40 < to) throw new InvalidDataException("forty");
        }));
        Assert.Equal("forty", error.Message);
    }

    [Fact]
    public void The_number_of_threads_is_positive_and_zero_is_refused()
    {
        Assert.True(TorchThreads.Count >= 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => TorchThreads.Count = 0);
    }
}
