using System.Runtime.ExceptionServices;
using LowRank.Runtime.Interop;

namespace LowRank.Kernels.Cpu.Decoding;

/// <summary>
/// libtorch's threads, called once for work of many small steps with a meeting after each: starting threads for every product of a token costs as much as the products.
/// The tasks of a step go to whoever is free: a processor that another program uses for a moment then holds nobody up for longer than a task.
/// </summary>
internal sealed class Team
{
    // About 20 µs; a thread that waits longer lets another program have the processor.
    private const int Spins = 400;

    // A thread may stand for several, or all, of those that were called.
    private readonly int shares;
    private int arrived;
    private long taken;
    private ExceptionDispatchInfo? error;

    private Team(int shares) => this.shares = shares;

    /// <summary>Calls <paramref name="work"/> on several threads.</summary>
    /// <param name="work">All calls take from the same steps, in the same order, and meet after each.</param>
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
    /// <param name="from">The first of those that it stands for.</param>
    /// <param name="to">The one after the last.</param>
    internal sealed class Member(Team team, int from, int to)
    {
        private int meetings;
        private long before;

        /// <summary>The first of all threads: for what only one does.</summary>
        public bool IsFirst => from == 0;

        /// <summary>Takes a task of this step that nobody has taken.</summary>
        /// <param name="tasks">How many the step has; the same number in all calls until <see cref="Meet"/>.</param>
        /// <param name="task">From 0; of no meaning when there is none left.</param>
        /// <returns>False when none is left, which each thread must have been told before it meets the others.</returns>
        public bool Take(long tasks, out long task)
        {
            task = Interlocked.Increment(ref team.taken) - 1 - before;
            if (task < tasks) return true;
            // Of each step as many numbers are drawn as there are tasks, and one in vain by each that was called: so all know where the next begins.
            if (to - from > 1) Interlocked.Add(ref team.taken, to - from - 1);
            before += tasks + team.shares;
            return false;
        }

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
    }
}
