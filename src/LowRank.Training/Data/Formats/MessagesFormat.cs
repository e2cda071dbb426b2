using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>OpenAI's chat rows.</summary>
internal static class MessagesFormat
{
    public static DataRow? Read(RowContext row)
    {
        if (row.Required("messages", "a list of messages") is not { } list) return null;
        if (MessageList.Read(list, row.NameOf("messages"), row) is not { } messages) return null;
        var learned = messages.EnumerateArray().Select(MessageList.IsLearned).ToArray();
        return Row(row, DataFormat.Messages, messages, learned, ToolList.Read(row));
    }

    /// <summary>A conversation of any origin, after the checks that all share.</summary>
    public static DataRow Row(RowContext row, DataFormat format, JsonElement messages, bool[] learned, JsonElement? tools)
    {
        ConversationChecks.Run(messages, learned, row);
        return new DataRow
        {
            File = row.File,
            Line = row.Line,
            Number = row.Number,
            Format = format,
            Messages = messages,
            Tools = tools,
            Learned = learned,
            NothingToLearn = row.NothingToLearn,
        };
    }
}
