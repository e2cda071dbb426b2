using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>A prompt and what is to follow it: two texts, or two lists of messages of which the second alone is learned.</summary>
internal static class PromptCompletionFormat
{
    public static DataRow? Read(RowContext row)
    {
        var prompt = row.Required("prompt", "a text or a list of messages");
        var completion = row.Required("completion", "a text or a list of messages");
        if (prompt is not { } p || completion is not { } c) return null;
        if (p.ValueKind == JsonValueKind.Array || c.ValueKind == JsonValueKind.Array) return Conversation(row, p, c);
        // No prompt, as null is written in Parquet, is an empty one: the answer follows nothing.
        var (before, after) = (p.ValueKind == JsonValueKind.Null ? "" : row.Text("prompt", required: true), row.Text("completion", required: true));
        if (before is null || after is null) return null;
        if (string.IsNullOrWhiteSpace(after)) row.WarnNothingToLearn($"\"{row.NameOf("completion")}\" is empty or blank");
        return new DataRow { File = row.File, Line = row.Line, Number = row.Number, Format = DataFormat.PromptCompletion, Prompt = before, Completion = after, NothingToLearn = row.NothingToLearn };
    }

    private static DataRow? Conversation(RowContext row, JsonElement prompt, JsonElement completion)
    {
        // A text beside a list is the turn that it stands for, as TRL's conversational rows have it.
        var before = MessageList.ReadOrText(prompt, "user", row.NameOf("prompt"), row);
        var after = MessageList.ReadOrText(completion, "assistant", row.NameOf("completion"), row);
        if (before is not { } first || after is not { } second) return null;
        var builder = new MessageListBuilder();
        foreach (var message in first.EnumerateArray()) builder.Add(message);
        foreach (var message in second.EnumerateArray()) builder.Add(message);
        var messages = builder.Build();
        var promptLength = first.GetArrayLength();
        var learned = messages.EnumerateArray().Select((m, i) => i >= promptLength && MessageList.IsLearned(m)).ToArray();
        return MessagesFormat.Row(row, DataFormat.PromptCompletion, messages, learned, ToolList.Read(row));
    }
}
