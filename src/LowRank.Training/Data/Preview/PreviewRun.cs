namespace LowRank.Training.Data;

/// <summary>A stretch of a decoded row.</summary>
/// <param name="Text">What the tokens decode to, special tokens included.</param>
/// <param name="Supervised">Whether the loss counts these tokens.</param>
/// <param name="Tokens">How many tokens they are.</param>
public sealed record PreviewRun(string Text, bool Supervised, int Tokens);
