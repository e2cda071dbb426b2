namespace LowRank.Training.Advice;

/// <summary>Who says what: papers, documentation, and the lecture's claims by their ids.</summary>
internal static class Sources
{
    public const string Lora = "the LoRA paper (arXiv:2106.09685)";
    public const string Qlora = "the QLoRA paper (arXiv:2305.14314)";
    public const string WithoutRegret = "LoRA Without Regret (Thinking Machines Lab, 2025)";
    public const string Peft = "PEFT's documentation";
    public const string Alpaca = "the Stanford Alpaca recipe";

    /// <summary>A claim of the lecture.</summary>
    public static string Lecture(params string[] claims) => $"the lecture ({string.Join(", ", claims)})";

    /// <summary>Several sources in one text.</summary>
    public static string Both(params string[] sources) => string.Join("; ", sources);
}
