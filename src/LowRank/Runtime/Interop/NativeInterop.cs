namespace LowRank.Runtime.Interop;

/// <summary>
/// Whether the C functions that libtorch exports are called directly. Each has a twin over TorchSharp, which is taken where a build of libtorch does not
/// export the function (some on Windows), with <c>LOWRANK_NO_INTEROP=1</c>, and inside <see cref="SwitchOff"/>.
/// </summary>
internal static class NativeInterop
{
    private static readonly bool Allowed = Environment.GetEnvironmentVariable("LOWRANK_NO_INTEROP") is not "1";

    [ThreadStatic]
    private static int switchedOff;

    /// <summary>Whether this thread may call the exported functions.</summary>
    public static bool Enabled => Allowed && switchedOff == 0;

    /// <summary>Sends the calls of this thread to the twins until the scope is disposed, on the same thread.</summary>
    public static IDisposable SwitchOff()
    {
        switchedOff++;
        return new Scope();
    }

    private sealed class Scope : IDisposable
    {
        private bool disposed;

        public void Dispose()
        {
            if (disposed) return;
            disposed = true;
            switchedOff--;
        }
    }
}
