namespace LowRank.Models.Templates;

/// <summary>A part of a rendered text that came from a field of a message.</summary>
/// <param name="Start">First code point.</param>
/// <param name="End">The code point behind the last.</param>
/// <param name="MessageIndex">Index of the message, from 0.</param>
/// <param name="Field">The field: <c>content</c>, <c>reasoning_content</c>, <c>tool_calls</c> or another key of the message.</param>
public readonly record struct TextOrigin(int Start, int End, int MessageIndex, string Field);
