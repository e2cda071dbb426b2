using System.Runtime.ExceptionServices;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu.Decoding;

/// <summary>
/// libtorch's threads, called once for work of many small steps with a meeting after each: starting threads for every product of a token costs as much as the products. The
/// work is cut into as many shares as there are threads; a thread may get several, or all, and then never waits.
/// </summary>
internal sealed class Team
{
    // About 20 µs; a thread that waits longer lets another program have the processor.
    private const int Spins = 400;

    private readonly int shares;
    private int arrived;
    private ExceptionDispatchInfo? error;

    private Team(int shares) => this.shares = shares;

    /// <summary>Calls <paramref name="work"/> on several threads, each with shares of its own.</summary>
    /// <param name="work">All calls meet as often.</param>
    public static void Run(Action<Member> work)
    {
        // Without libtorch's loop nothing promises that all shares run at the same time.
        var shares = TorchThreads.AreConcurrent ? TorchThreads.Count : 1;
        var team = new Team(shares);
        TorchThreads.For(0, shares, 1, (from, to) =>
        {
            try
            {
                work(new Member(team, (int)from, (int)to));
            }
            catch (Exception e)
            {
                // The others leave at their next meeting.
                Interlocked.CompareExchange(ref team.error, ExceptionDispatchInfo.Capture(e), null);
            }
        });
        team.error?.Throw();
    }

    /// <summary>A thread of the team.</summary>
    /// <param name="team">The team.</param>
    /// <param name="from">Its first share.</param>
    /// <param name="to">The one after its last.</param>
    internal sealed class Member(Team team, int from, int to)
    {
        private int meetings;

        /// <summary>The first of all threads: for what only one does.</summary>
        public bool IsFirst => from == 0;

        /// <summary>The part of <paramref name="count"/> things that is this thread's; parts begin at even numbers, since some products take two outputs at once.</summary>
        public (long Start, long End) Part(long count) => (Edge(count, from), Edge(count, to));

        /// <summary>Whether one of several things is this thread's, dealt out in turns.</summary>
        public bool Has(long thing) => thing % team.shares is var share && share >= from && share < to;

        /// <summary>Waits until all threads have come here as often.</summary>
        public void Meet()
        {
            var all = ++meetings * team.shares;
            if (Interlocked.Add(ref team.arrived, to - from) >= all) return;
            for (var spins = 0; Volatile.Read(ref team.arrived) < all; spins++)
            {
                if (Volatile.Read(ref team.error) is not null) throw new OperationCanceledException("Another thread of the team failed.");
                if (spins < Spins) Thread.SpinWait(1);
                else Thread.Yield();
            }
        }

        private long Edge(long count, int share) => share == team.shares ? count : count * share / team.shares & ~1L;
    }
}
