using System.Text.Json;
using LowRank.Training.Data.Formats;

namespace LowRank.Training.Data.Preferences;

/// <summary>
/// Preferences: a prompt and two answers, of which one is preferred. The prompt stands in a field of its own (<c>prompt</c>, <c>conversations</c>, <c>messages</c>, <c>instruction</c>),
/// or is what both answers begin with, as TRL reads them. Answers are texts, messages, ShareGPT's turns, or lists of these.
/// </summary>
internal static class PreferenceFormat
{
    private const string Expected = "a text, a message or a list of messages";

    public static DataRow? Read(RowContext row)
    {
        var (chosen, rejected) = (row.Required("chosen", Expected), row.Required("rejected", Expected));
        if (chosen is not { } better || rejected is not { } worse) return null;
        return better.ValueKind == JsonValueKind.String && worse.ValueKind == JsonValueKind.String && PreferencePrompt.IsText(row)
            ? Texts(row, better.GetString()!, worse.GetString()!)
            : Conversations(row, better, worse);
    }

    private static DataRow? Texts(RowContext row, string chosen, string rejected)
    {
        if (!row.TryField("prompt", out _) && !row.TryField("instruction", out _))
        {
            var shared = SharedPrompt.Of(chosen, rejected);
            return Pair(row, chosen[..shared], chosen[shared..], rejected[shared..]);
        }
        return PreferencePrompt.Text(row) is { } prompt ? Pair(row, prompt, chosen, rejected) : null;
    }

    private static DataRow Pair(RowContext row, string prompt, string chosen, string rejected)
    {
        if (chosen == rejected) WarnEqual(row);
        DataRow Row(string answer, DataRow? other) => new()
        {
            File = row.File, Line = row.Line, Number = row.Number, Format = DataFormat.Preference, Prompt = prompt, Completion = answer, Rejected = other, NothingToLearn = row.NothingToLearn,
        };
        return Row(chosen, Row(rejected, null));
    }

    private static DataRow? Conversations(RowContext row, JsonElement chosen, JsonElement rejected)
    {
        if (PreferenceTurns.Read(row, "chosen", chosen) is not { } better || PreferenceTurns.Read(row, "rejected", rejected) is not { } worse) return null;
        var shared = SharedPrompt.Of(better, worse);
        // Answers that begin alike, and not with an answer, are whole conversations; a prompt beside them is in them already.
        if (shared > 0 && MessageList.Role(better[0]) is not ("assistant" or "tool" or "function"))
            return Pair(row, better[..shared], better[shared..], worse[shared..]);
        return PreferencePrompt.Turns(row) is { } prompt ? Pair(row, prompt, better, worse) : null;
    }

    private static DataRow Pair(RowContext row, JsonElement[] prompt, JsonElement[] chosen, JsonElement[] rejected)
    {
        if (SharedPrompt.AreEqual(chosen, rejected)) WarnEqual(row);
        var tools = ToolList.Read(row);
        return Row(chosen, isWhole: true, Row(rejected, isWhole: false, null));

        DataRow Row(JsonElement[] answer, bool isWhole, DataRow? other)
        {
            var builder = new MessageListBuilder();
            foreach (var message in prompt.Concat(answer)) builder.Add(message);
            var messages = builder.Build();
            var learned = messages.EnumerateArray().Select((m, i) => i >= prompt.Length && MessageList.IsLearned(m)).ToArray();
            // What is odd about the conversation is said once.
            if (isWhole) ConversationChecks.Run(messages, learned, row);
            return new DataRow
            {
                File = row.File, Line = row.Line, Number = row.Number, Format = DataFormat.Preference, Messages = messages, Tools = tools, Learned = learned, Rejected = other, NothingToLearn = row.NothingToLearn,
            };
        }
    }

    private static void WarnEqual(RowContext row) => row.WarnNothingToLearn($"\"{row.NameOf("chosen")}\" and \"{row.NameOf("rejected")}\" are equal");
}
