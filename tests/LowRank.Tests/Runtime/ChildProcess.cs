using System.Diagnostics;
using System.Runtime.CompilerServices;
using LowRank.Runtime;
using LowRank.Runtime.Interop;
using TorchSharp;

namespace LowRank.Tests.Runtime;

/// <summary>
/// Runs this test program again in another environment, to see what one load of the libraries does there: they can be loaded only once in a process.
/// </summary>
internal static class ChildProcess
{
    private const string Marker = "LOWRANK_TEST_CHILD";
    private const string Place = "LOWRANK_TEST_CHILD_PLACE";

    /// <summary>Loads the native runtime in a child and reports.</summary>
    /// <param name="place">What the build tells about the native place; an empty folder hides it.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    public static Task<(int Exit, string Output)> Load(string? place, params (string Name, string? Value)[] environment) =>
        Run(nameof(Load), place, environment);

    /// <summary>Runs one of the things below in a child.</summary>
    public static async Task<(int Exit, string Output)> Run(string what, string? place, params (string Name, string? Value)[] environment)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Started as "dotnet LowRank.Tests.dll", or as a program of its own.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet") start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        start.Environment[Marker] = what;
        if (place is not null) start.Environment[Place] = place;
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await error);
    }

    // Before the test framework starts.
    [ModuleInitializer]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(Marker) is not { } what) return;
        if (what == nameof(MallocTuningTests)) MallocTuningTests.Passes();
        if (Environment.GetEnvironmentVariable("LOWRANK_TEST_CHILD_RESTORES") is "1") AppContext.SetSwitch("LowRank.RestoreNativePackages", true);
        if (Environment.GetEnvironmentVariable(Place) is { } place) AppContext.SetData("LowRank.NativePlace", place);
        try
        {
            if (what != nameof(Load)) Environment.Exit(0);
            Console.WriteLine(NativeRuntime.Load());
            using var ones = torch.ones(4, 4);
            using var product = torch.mm(ones, ones);
            using var sum = product.sum();
            Console.WriteLine($"sum {sum.item<float>()}");
            Console.WriteLine($"interop {NativeInterop.Enabled}");
            if (OperatingSystem.IsLinux())
                foreach (var path in File.ReadLines("/proc/self/maps").Select(line => line.Split(' ')[^1]).Where(p => p.Contains("libtorch_cpu", StringComparison.Ordinal)).Distinct())
                    Console.WriteLine($"mapped {path}");
        }
        catch (NativeRuntimeException error)
        {
            Console.WriteLine(error.Message);
            Environment.Exit(3);
        }
        Environment.Exit(0);
    }
}
