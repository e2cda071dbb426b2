using System.Globalization;
using System.Text.Json;
using LowRank.Training.Data.Formats;

namespace LowRank.Training.Data.Choices;

/// <summary>
/// A question, its choices and the right one, under the names that public benchmarks give them (ARC, CommonsenseQA, HellaSwag, MMLU, OpenBookQA). Choices are texts, or texts beside labels; the
/// right one is a number from 0, a label, a letter, or the text itself.
/// </summary>
internal static class MultipleChoiceFormat
{
    private static readonly string[] Questions = ["question", "query", "ctx", "question_stem", "prompt"], Lists = ["choices", "endings"], Answers = ["answer", "answerKey", "label", "gold"];

    /// <summary>What the fields of such a row are called, or null where it is none.</summary>
    /// <param name="has">Whether the row has a field.</param>
    public static (string Field, string Name)[]? Names(Func<string, bool> has) =>
        Array.Find(Questions, q => has(q)) is { } question && Array.Find(Lists, l => has(l)) is { } list && Array.Find(Answers, a => has(a)) is { } answer
            ? [("question", question), ("choices", list), ("answer", answer)] : null;

    public static DataRow? Read(RowContext row)
    {
        var question = row.Text("question", required: true);
        var (list, answer) = (row.Required("choices", "a list of texts"), row.Required("answer", "the number or the label of the right choice"));
        if (question is null || list is not { } given || answer is not { } right || Choices(row, given) is not { } choices) return null;
        if (Right(right, choices.Texts, choices.Labels) is not { } index)
        {
            row.Error($"\"{row.NameOf("answer")}\" is {right.GetRawText()}, none of the {choices.Texts.Length} choices; expected a number from 0, a label or a letter");
            return null;
        }
        if (string.IsNullOrWhiteSpace(choices.Texts[index])) row.WarnNothingToLearn("the right choice is empty or blank");
        return new DataRow
        {
            File = row.File, Line = row.Line, Number = row.Number, Format = DataFormat.MultipleChoice, Prompt = question, Completion = choices.Texts[index], Choices = choices.Texts, NothingToLearn = row.NothingToLearn,
        };
    }

    private static (string[] Texts, string[]? Labels)? Choices(RowContext row, JsonElement given)
    {
        string[]? labels = null;
        var list = given;
        if (given.ValueKind == JsonValueKind.Object && given.TryGetProperty("text"u8, out list) && given.TryGetProperty("label"u8, out var named)) labels = Texts(named);
        if (Texts(list) is { Length: > 1 } texts && (labels is null || labels.Length == texts.Length)) return (texts, labels);
        row.Error($"\"{row.NameOf("choices")}\" is {JsonNames.Kind(given)}; expected a list of at least two texts, or {{\"text\": [...], \"label\": [...]}}");
        return null;
    }

    private static string[]? Texts(JsonElement list) => list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(t => t.ValueKind == JsonValueKind.String)
        ? [.. list.EnumerateArray().Select(t => t.GetString()!)] : null;

    private static int? Right(JsonElement answer, string[] choices, string[]? labels)
    {
        if (answer.ValueKind == JsonValueKind.Number) return answer.TryGetInt32(out var number) && number >= 0 && number < choices.Length ? number : null;
        if (answer.ValueKind != JsonValueKind.String) return null;
        var text = answer.GetString()!;
        // A label is meant before a number is: ARC labels some choices "1" to "4".
        if (labels is not null && Array.IndexOf(labels, text) is >= 0 and var labelled) return labelled;
        if (Array.IndexOf(choices, text) is >= 0 and var said) return said;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index)) return index < choices.Length ? index : null;
        return text is [>= 'A' and <= 'Z'] && text[0] - 'A' < choices.Length ? text[0] - 'A' : null;
    }
}
