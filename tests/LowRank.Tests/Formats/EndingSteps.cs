using LowRank.Formats;

namespace LowRank.Tests.Formats;

/// <summary>Lets a number of steps happen and none after them: what a killed process leaves, seen from within the test.</summary>
internal sealed class EndingSteps(int allowed) : FileSystemSteps
{
    public sealed class Ended : Exception;

    public int Taken { get; private set; }

    private void Step()
    {
        if (Taken == allowed) throw new Ended();
        Taken++;
    }

    public override FileStream Create(string path)
    {
        Step();
        return base.Create(path);
    }

    public override void Write(FileStream stream, ReadOnlySpan<byte> bytes)
    {
        Step();
        base.Write(stream, bytes);
    }

    public override void Flush(FileStream stream)
    {
        Step();
        base.Flush(stream);
    }

    public override void FlushFolder(string path)
    {
        Step();
        base.FlushFolder(path);
    }

    public override void Rename(string from, string to)
    {
        Step();
        base.Rename(from, to);
    }

    public override void RenameFolder(string from, string to)
    {
        Step();
        base.RenameFolder(from, to);
    }

    public override void CreateFolder(string path)
    {
        Step();
        base.CreateFolder(path);
    }

    public override void Delete(string path)
    {
        Step();
        base.Delete(path);
    }

    public override void DeleteFolder(string path)
    {
        Step();
        base.DeleteFolder(path);
    }

    /// <summary>Runs <paramref name="write"/> again and again, ended one step later each time, until it comes through; returns the number of ends.</summary>
    public static int EndAfterEach(Action write, Action<bool> check)
    {
        for (var allowed = 0; ; allowed++)
        {
            var steps = new EndingSteps(allowed);
            FileSystemSteps.Current = steps;
            var ended = false;
            try
            {
                write();
            }
            catch (Ended)
            {
                ended = true;
            }
            finally
            {
                FileSystemSteps.Current = null;
            }
            check(ended);
            if (!ended) return allowed;
        }
    }
}
