using System.Globalization;
using System.Text.Json;

namespace LowRank.Training.Data;

/// <summary>
/// One row of a data file, brought to one of four shapes: <see cref="Messages"/>, <see cref="Prompt"/> and <see cref="Completion"/>,
/// <see cref="Text"/>, or <see cref="InputIds"/>. A preference row has <see cref="Chosen"/> and <see cref="Rejected"/> behind its messages or prompt. Immutable and safe to read from many threads.
/// </summary>
public sealed class DataRow
{
    /// <summary>The file, as its path was given.</summary>
    public required string File { get; init; }

    /// <summary>The 1-based line on which the row begins, blank lines counted.</summary>
    public required int Line { get; init; }

    /// <summary>The 1-based number of the row among the rows of its file.</summary>
    public required int Number { get; init; }

    /// <summary>The shape the row had in the file.</summary>
    public required DataFormat Format { get; init; }

    /// <summary>
    /// A conversation as a JSON array of OpenAI messages. Alpaca and ShareGPT rows are turned into it; text parts of a content are
    /// joined into one text; other members (<c>tool_calls</c>, <c>name</c>, <c>reasoning_content</c>) stay as they are in the file.
    /// </summary>
    public JsonElement? Messages { get; init; }

    /// <summary>The tools offered in the conversation, a JSON array of OpenAI tool definitions, or null.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>
    /// One entry for each message: whether it may be learned. True for assistant turns, save those with <c>"weight": 0</c> or <c>"train": false</c> and
    /// those that belong to the prompt of a prompt/completion row.
    /// </summary>
    public IReadOnlyList<bool> Learned { get; init; } = [];

    /// <summary>What stands before <see cref="Completion"/>, or null.</summary>
    public string? Prompt { get; init; }

    /// <summary>The text to learn after <see cref="Prompt"/>, or null.</summary>
    public string? Completion { get; init; }

    /// <summary>In a multiple choice, all the answers to <see cref="Prompt"/>, of which <see cref="Completion"/> is the right one; else null.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>A plain text, all of which is learned, or null.</summary>
    public string? Text { get; init; }

    /// <summary>The token ids of a pretokenized row, without those that its attention mask leaves out, or null.</summary>
    public IReadOnlyList<int>? InputIds { get; init; }

    /// <summary>For a pretokenized row, which of <see cref="InputIds"/> are learned (label not -100); else null.</summary>
    public IReadOnlyList<bool>? Supervised { get; init; }

    /// <summary>The better answer of a preference row: a JSON array of messages that follow <see cref="Messages"/>, or a JSON text that follows <see cref="Prompt"/>; else null.</summary>
    public JsonElement? Chosen { get; init; }

    /// <summary>The worse answer of a preference row, of the same kind as <see cref="Chosen"/>; else null.</summary>
    public JsonElement? Rejected { get; init; }

    /// <summary>Whether the answer of a KTO row is a good one; null for rows of other kinds.</summary>
    public bool? Label { get; init; }

    /// <summary>
    /// Why the row holds nothing to learn from, or null. To read such a row is fine (it is a warning of its <see cref="Dataset"/>), to
    /// train on it is an error.
    /// </summary>
    public string? NothingToLearn { get; init; }

    /// <summary>Where the row stands, <c>file:line</c>, for messages.</summary>
    public string Place => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}");
}
