using Xunit;

namespace LowRank.Testing;

/// <summary>Real model files for <c>Category=RealModel</c>: in <c>LOWRANK_MODELS</c>, else in <c>../shared/models</c> beside the repository.</summary>
public static class RealModels
{
    /// <summary>The SmolLM2-135M-Instruct GGUF in Q4_1.</summary>
    public const string SmolLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf";

    /// <summary>The path of a model file; skips the running test with the reason where it is not there.</summary>
    public static string Require(string file)
    {
        var folder = Environment.GetEnvironmentVariable("LOWRANK_MODELS") is { Length: > 0 } set ? set
            : RepositoryRoot.Folder is { } root ? Path.Combine(root, "..", "shared", "models") : null;
        var path = folder is null ? null : Path.GetFullPath(Path.Combine(folder, file));
        Assert.SkipUnless(path is not null && File.Exists(path), $"{file} is not in LOWRANK_MODELS or ../shared/models");
        return path!;
    }
}
