using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace LowRank.Cli.Tests;

/// <summary>Starts the real program and collects what it prints.</summary>
internal static class Tool
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>The program's file: compiled ahead where the solution was built, else what the tests themselves are built with.</summary>
    public static string Library { get; } =
        typeof(Tool).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == "AheadTool")?.Value ?? typeof(App).Assembly.Location;

    /// <summary>Runs it to its end with these arguments.</summary>
    public static Task<ToolResult> Run(params string[] arguments) => Run(arguments, input: "");

    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="input">What is piped in.</param>
    /// <param name="columns">The width that it is told, or null.</param>
    /// <param name="variables">Variables of its environment.</param>
    public static async Task<ToolResult> Run(string[] arguments, string input, int? columns = null, params (string Name, string Value)[] variables)
    {
        using var process = Start(arguments, columns, null, variables);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await End(process);
        return new ToolResult(process.ExitCode, await output, await error);
    }

    /// <summary>Starts it.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="columns">The width that it is told, or null.</param>
    /// <param name="prefix">A program with arguments that replaces itself by the rest of its command line; null or empty for none.</param>
    public static Process Start(string[] arguments, int? columns = null, IReadOnlyList<string>? prefix = null, params (string Name, string Value)[] variables)
    {
        string[] program = [.. prefix ?? [], Host()];
        var start = new ProcessStartInfo(program[0], program[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Library);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment.Remove("COLUMNS");
        if (columns is { } width) start.Environment["COLUMNS"] = width.ToString(System.Globalization.CultureInfo.InvariantCulture);
        // Another language must not change a letter.
        start.Environment["LANG"] = start.Environment["LC_ALL"] = "de_DE.UTF-8";
        foreach (var (name, value) in variables) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Waits for the end.</summary>
    /// <param name="process">What was started.</param>
    /// <param name="longest">How long it may take; null for four minutes.</param>
    public static async Task End(Process process, TimeSpan? longest = null)
    {
        using var limit = new CancellationTokenSource(longest ?? Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    /// <summary>The host of .NET programs. A test program may be started by itself: it is that of its runtime.</summary>
    public static string Host()
    {
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return File.Exists(beside) ? beside : name;
    }
}
