using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security;
using LowRank.Formats;

namespace LowRank.Runtime;

/// <summary>
/// Brings libtorch and TorchSharp's native part through NuGet, from the feeds that the user has configured, into LowRank's cache. The <c>lowrank</c> tool does so at its first
/// start (docs/decisions/001-tool-brings-libtorch-at-first-start.md); other programs reference the packages. A program asks for it by
/// <c>LowRank.RestoreNativePackages</c> in its <c>runtimeconfig.json</c>.
/// </summary>
internal static class NativePackageRestore
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(2);

    /// <summary>Whether this program brings the packages itself.</summary>
    public static bool IsWanted => AppContext.TryGetSwitch("LowRank.RestoreNativePackages", out var wanted) && wanted;

    /// <summary>The packages folder inside LowRank's cache.</summary>
    public static string Folder => Path.Combine(NativePlaces.UserCache, "packages");

    /// <summary>Restores both packages; returns when they are there.</summary>
    /// <param name="progress">Gets what happens, a line at a time.</param>
    /// <exception cref="NativeRuntimeException">There is no .NET SDK, or NuGet cannot find or fetch a package.</exception>
    public static void Run(TextWriter progress)
    {
        var project = WriteProject();
        using var gate = WaitForOthers(Path.GetDirectoryName(project)!);
        progress.WriteLine(
            $"First start: fetching libtorch {NativePackageVersions.LibTorch} (about 130 MB) and TorchSharp {NativePackageVersions.TorchSharp} through NuGet into {Folder}");
        var start = new ProcessStartInfo(DotnetHost()) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["restore", project, "--packages", Folder, "--nologo", "-v", "minimal"])
            start.ArgumentList.Add(argument);
        // A global.json of the current folder must not choose the SDK.
        start.WorkingDirectory = Path.GetDirectoryName(project)!;
        Process? process;
        try
        {
            process = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw Failed($"{start.FileName} does not start: {error.Message}");
        }
        using (process)
        {
            var output = process!.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            while (!process.WaitForExit(ProgressInterval))
                progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {FolderBytes() / 1e6:0} MB unpacked"));
            process.WaitForExit();
            if (process.ExitCode != 0) throw Failed((output.Result + errors.Result).Trim());
        }
        progress.WriteLine("  done");
    }

    // PackageDownload takes exactly these packages, without what they depend on.
    private static string WriteProject()
    {
        var project = Path.Combine(NativePlaces.UserCache, "restore", "natives.csproj");
        var text = $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net{Environment.Version.Major}.0</TargetFramework>
                <ImportDirectoryBuildProps>false</ImportDirectoryBuildProps>
                <ImportDirectoryPackagesProps>false</ImportDirectoryPackagesProps>
              </PropertyGroup>
              <ItemGroup>
                <PackageDownload Include="libtorch-cpu-{SecurityElement.Escape(NativeFileNames.Rid)}" Version="[{NativePackageVersions.LibTorch}]" />
                <PackageDownload Include="TorchSharp" Version="[{NativePackageVersions.TorchSharp}]" />
              </ItemGroup>
            </Project>
            """;
        try
        {
            AtomicFile.WriteAllText(project, text);
        }
        catch (LowRankException error)
        {
            throw Failed($"{error.Message} Set LOWRANK_CACHE to a folder that can be written.");
        }
        return project;
    }

    // Two first starts at once would write the same project's restore files; the second then finds everything there.
    private static FileStream WaitForOthers(string folder)
    {
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            }
            catch (IOException) when (Directory.Exists(folder))
            {
                Thread.Sleep(ProgressInterval);
            }
        }
    }

    // The host of this process: <root>/shared/Microsoft.NETCore.App/<version>/ is where its runtime lies.
    private static string DotnetHost()
    {
        if (Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } set && File.Exists(set)) return set;
        var name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        var beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return File.Exists(beside) ? beside : name;
    }

    private static long FolderBytes()
    {
        if (!Directory.Exists(Folder)) return 0;
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        long bytes = 0;
        foreach (var file in new DirectoryInfo(Folder).EnumerateFiles("*", options))
            if (file.Exists) bytes += file.Length;
        return bytes;
    }

    private static NativeRuntimeException Failed(string reason) => new(
        $"""
        libtorch could not be fetched through NuGet. It says:
        {reason}
        Mend the feeds ('dotnet nuget list source' shows them), or set {NativePlaces.TorchLibVariable} to the lib folder of a libtorch or PyTorch 2.10 or 2.11.
        """);
}
