using System.Globalization;

namespace LowRank.Training.Tests.Fuzzing;

/// <summary>How long the fuzzing is: a few thousand files in every test run, or what eng/soak/fuzz.sh asks for.</summary>
internal static class FuzzSettings
{
    private const int Short = 4000;

    /// <summary>Whether this is the long form, which runs in a process of its own.</summary>
    public static bool IsLong => Variable("LOWRANK_FUZZ_INPUTS") is not null;

    /// <summary>Files of all formats together.</summary>
    public static int Inputs => Number("LOWRANK_FUZZ_INPUTS", Short);

    /// <summary>What the files follow from.</summary>
    public static int Seed => Number("LOWRANK_FUZZ_SEED", 1);

    /// <summary>The one file to try of each format, to find out about a fault; null for all.</summary>
    public static int? Only => Variable("LOWRANK_FUZZ_ONLY") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    /// <summary>Where files that do what they must not are kept, and the number of the one that is being read.</summary>
    public static string Folder => Variable("LOWRANK_FUZZ_FOLDER") ?? Path.Combine(Path.GetTempPath(), "lowrank-fuzz");

    private static int Number(string name, int otherwise) => Variable(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? text : null;
}
