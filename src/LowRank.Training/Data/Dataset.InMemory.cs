using System.Buffers;
using System.Text.Json;
using LowRank.Training.Data.Formats;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Data;

/// <content>Data sets made of objects of the program. They pass the same checks as those of a file.</content>
public sealed partial class Dataset
{
    /// <summary>A data set of questions and answers.</summary>
    /// <param name="pairs">What is given, and what is to follow.</param>
    /// <param name="name">Stands for the file in messages; the "line" is the number of the pair.</param>
    /// <exception cref="DatasetException">There are no pairs.</exception>
    public static Dataset FromPairs(IEnumerable<(string Prompt, string Completion)> pairs, string name = "data") =>
        FromJson(DataFormat.PromptCompletion, name, pairs, (writer, pair) =>
        {
            writer.WriteString("prompt"u8, pair.Prompt);
            writer.WriteString("completion"u8, pair.Completion);
        });

    /// <summary>A data set of conversations.</summary>
    /// <param name="conversations">For each conversation its turns: a role (system, user, assistant, tool) and what is said.</param>
    /// <param name="name">Stands for the file in messages; the "line" is the number of the conversation.</param>
    /// <exception cref="DatasetException">There are none, or a role is unknown; all problems are listed.</exception>
    public static Dataset FromConversations(IEnumerable<IEnumerable<(string Role, string Content)>> conversations, string name = "data") =>
        FromJson(DataFormat.Messages, name, conversations, (writer, turns) =>
        {
            writer.WriteStartArray("messages"u8);
            foreach (var (role, content) in turns)
            {
                writer.WriteStartObject();
                writer.WriteString("role"u8, role);
                writer.WriteString("content"u8, content);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        });

    /// <summary>A data set of plain texts, all of which is learned.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="name">Stands for the file in messages; the "line" is the number of the text.</param>
    /// <exception cref="DatasetException">There are no texts.</exception>
    public static Dataset FromTexts(IEnumerable<string> texts, string name = "data") =>
        FromJson(DataFormat.Text, name, texts, (writer, text) => writer.WriteString("text"u8, text));

    private static Dataset FromJson<T>(DataFormat format, string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        ArgumentNullException.ThrowIfNull(items);
        var problems = new ProblemList(name);
        var rows = new List<DataRow>();
        var number = 0;
        var options = new DatasetOptions();
        foreach (var item in items)
        {
            var bytes = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(bytes))
            {
                writer.WriteStartObject();
                write(writer, item);
                writer.WriteEndObject();
            }
            number++;
            var context = new RowContext(new RawRow(default, number, number), JsonElement.Parse(bytes.WrittenSpan), options, problems);
            if (RowFormats.Read(format, context) is { } row) rows.Add(row);
        }
        if (number == 0) problems.Error(0, "no rows");
        problems.ThrowIfErrors();
        return new Dataset(name, format, rows, problems.Kept);
    }
}
