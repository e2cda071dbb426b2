using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace LowRank.Testing.Nvml;

/// <summary>A library with the functions of NVML and three GPUs of known values, built from C where the machine has a compiler.</summary>
public static class FakeNvml
{
    /// <summary>Builds it into a folder and gives its path; skips the running test where there is no compiler.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="defines">Names that the compiler is to define: OLD, UNLOADED.</param>
    public static string Build(string folder, params string[] defines)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "the library is built with cc");
        var (source, library) = (Path.Combine(folder, "FakeNvml.c"), Path.Combine(folder, $"libfakenvml{string.Concat(defines).ToLowerInvariant()}.so"));
        using (var from = typeof(FakeNvml).Assembly.GetManifestResourceStream("FakeNvml.c")!)
        using (var to = File.Create(source)) from.CopyTo(to);
        foreach (var compiler in (string[])["cc", "gcc", "clang"])
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(compiler, [.. defines.Select(d => $"-D{d}"), "-shared", "-fPIC", "-O1", "-o", library, source]) { RedirectStandardError = true })!;
                var said = process.StandardError.ReadToEnd();
                process.WaitForExit();
                Assert.True(process.ExitCode == 0, said);
                return library;
            }
            catch (Win32Exception)
            {
                // There is none of this name.
            }
        }
        Assert.Skip("no C compiler (cc, gcc, clang)");
        return "";
    }
}
