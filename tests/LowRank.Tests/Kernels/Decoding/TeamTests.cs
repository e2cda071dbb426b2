using LowRank.Kernels.Cpu.Decoding;
using LowRank.Runtime.Interop;

namespace LowRank.Tests.Kernels.Decoding;

[Collection(nameof(NativeTensors))]
public sealed class TeamTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(5)]
    public void Parts_cover_everything_once_and_nobody_passes_a_meeting_alone(int threads)
    {
        WithThreads(threads, () =>
        {
            const int count = 101, meetings = 200;
            var done = new int[meetings, count];
            var early = 0;
            Team.Run(member =>
            {
                for (var m = 0; m < meetings; m++)
                {
                    var (start, end) = member.Part(count);
                    Assert.True(start % 2 == 0 && (end % 2 == 0 || end == count));
                    for (var i = start; i < end; i++) done[m, i]++;
                    member.Meet();
                    // What the others did before the meeting is there now.
                    for (var i = 0; i < count; i++)
                        if (Volatile.Read(ref done[m, i]) != 1) Interlocked.Increment(ref early);
                }
            });
            Assert.Equal(0, early);
        });
    }

    [Fact]
    public void Things_are_dealt_out_once()
    {
        WithThreads(3, () =>
        {
            var owners = new int[10];
            Team.Run(member =>
            {
                for (var i = 0; i < owners.Length; i++)
                    if (member.Has(i)) Interlocked.Increment(ref owners[i]);
            });
            Assert.All(owners, o => Assert.Equal(1, o));
        });
    }

    [Fact]
    public void An_error_reaches_the_caller_and_frees_those_who_wait()
    {
        WithThreads(2, () =>
        {
            var error = Assert.Throws<InvalidOperationException>(() => Team.Run(member =>
            {
                if (member.IsFirst) throw new InvalidOperationException("first");
                member.Meet();
            }));
            Assert.Equal("first", error.Message);
        });
    }

    [Fact]
    public void Without_the_direct_exports_one_thread_does_all()
    {
        using var off = NativeInterop.SwitchOff();
        var calls = 0;
        Team.Run(member =>
        {
            Assert.Equal((0, 7), member.Part(7));
            member.Meet();
            calls++;
        });
        Assert.Equal(1, calls);
    }

    private static void WithThreads(int count, Action test)
    {
        var before = TorchThreads.Count;
        TorchThreads.Count = count;
        try
        {
            test();
        }
        finally
        {
            TorchThreads.Count = before;
        }
    }
}
