using Xunit;

namespace LowRank.Testing;

/// <summary>Real model files for <c>Category=RealModel</c>: in the folder that <c>LOWRANK_MODELS</c> names, and nowhere else, so that the plain test command stays quick.</summary>
public static class RealModels
{
    /// <summary>The SmolLM2-135M-Instruct GGUF in Q4_1.</summary>
    public const string SmolLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf";

    /// <summary>The path of a model file; skips the running test with the reason where it is not there.</summary>
    public static string Require(string file)
    {
        var folder = Environment.GetEnvironmentVariable("LOWRANK_MODELS");
        var path = string.IsNullOrEmpty(folder) ? null : Path.GetFullPath(Path.Combine(folder, file));
        Assert.SkipUnless(path is not null && File.Exists(path), $"set LOWRANK_MODELS to a folder with {file}");
        return path!;
    }
}
