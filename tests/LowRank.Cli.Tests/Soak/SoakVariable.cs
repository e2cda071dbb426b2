using System.Globalization;

namespace LowRank.Cli.Tests.Soak;

/// <summary>How long the form of a proof is: the short one of every test run, or what a script of eng/soak/ asks for.</summary>
internal static class SoakVariable
{
    /// <summary>The whole number in a variable of the environment.</summary>
    public static int Number(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
