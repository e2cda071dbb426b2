namespace LowRank.Cli.Prompts;

/// <summary>A prompt, and the adapter that is to answer it.</summary>
/// <param name="Text">The prompt.</param>
/// <param name="Adapter">A folder or a hub id; null for the base alone.</param>
internal sealed record Prompt(string Text, string? Adapter);
