using LowRank.Kernels.Cpu.Decoding;
using LowRank.Runtime.Interop;

namespace LowRank.Tests.Kernels.Decoding;

[Collection(nameof(NativeTensors))]
public sealed class TeamTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(5)]
    public void Tasks_are_taken_once_and_nobody_passes_a_meeting_alone(int threads)
    {
        WithThreads(threads, () =>
        {
            const int most = 101, meetings = 200;
            var done = new int[meetings, most];
            var early = 0;
            Team.Run(member =>
            {
                for (var m = 0; m < meetings; m++)
                {
                    // Also none, and fewer than there are threads.
                    var count = m % 5 == 0 ? m % 3 : most - m % 7;
                    while (member.Take(count, out var task)) Interlocked.Increment(ref done[m, task]);
                    member.Meet();
                    // What the others did before the meeting is there now.
                    for (var i = 0; i < most; i++)
                        if (Volatile.Read(ref done[m, i]) != (i < count ? 1 : 0)) Interlocked.Increment(ref early);
                }
            });
            Assert.Equal(0, early);
        });
    }

    [Fact]
    public void A_thread_that_is_held_up_leaves_its_tasks_to_the_others()
    {
        WithThreads(2, () =>
        {
            using var rest = new CountdownEvent(9);
            var first = 0;
            Team.Run(member =>
            {
                while (member.Take(10, out _))
                {
                    // The first to take one waits until all others are done, which only the other thread can do.
                    if (Interlocked.Exchange(ref first, 1) == 0) Assert.True(rest.Wait(TimeSpan.FromMinutes(1)));
                    else rest.Signal();
                }
                member.Meet();
            });
            Assert.True(rest.IsSet);
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
            for (var expected = 0; expected < 7; expected++)
            {
                Assert.True(member.Take(7, out var task));
                Assert.Equal(expected, task);
            }
            Assert.False(member.Take(7, out _));
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
