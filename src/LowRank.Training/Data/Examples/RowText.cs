namespace LowRank.Training.Data;

/// <summary>A row as the text that the model is to see, before it is cut into tokens.</summary>
/// <param name="Text">The text.</param>
/// <param name="Learned">The parts to learn, [start, end) in code points, in ascending order.</param>
/// <param name="IsComplete">
/// True for the text of a chat template, which prints begin and end itself; else the tokenizer adds its special tokens, and an
/// end-of-sequence token that is learned closes the text.
/// </param>
/// <param name="LostCalls">How many assistant turns call tools that the chat template does not print; they are not learned.</param>
/// <param name="LostThoughts">How many assistant turns that are learned have reasoning that the chat template does not print.</param>
internal readonly record struct RowText(string Text, IReadOnlyList<(int Start, int End)> Learned, bool IsComplete, int LostCalls = 0, int LostThoughts = 0);
