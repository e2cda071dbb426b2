using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>
/// Files of training data: read, checked, rendered and tokenized, as a run does. A file is past its header when one row came through: found in the file and sound in itself, whatever it
/// means.
/// </summary>
internal abstract class DataFuzz(string name, string extension) : FuzzFormat(name)
{
    private const string Template = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    private static readonly Lazy<Tokenizer> tokenizer = new(() => Tokenizer.Load(Path.GetDirectoryName(SoundFiles.Below("tokenizers", "tokenizer.json", SearchOption.AllDirectories)[0])!));
    private static readonly Lazy<ExampleBuilder> answers = new(() => new ExampleBuilder(tokenizer.Value, new ChatTemplate(Template), options: new ExampleOptions { MaxLength = 256 }));
    private static readonly Lazy<ExampleBuilder> pairs = new(() => new ExampleBuilder(tokenizer.Value, new ChatTemplate(Template), options: new ExampleOptions { MaxLength = 256, Preferences = true }));

    public override void Read(FuzzInput input)
    {
        var path = input.Write("rows" + extension);
        var options = Options(input.Bytes);
        var ignored = new ProblemList(path, BadRows.Skip);
        RowFile.Open(path, options).Read(ignored, raw =>
        {
            if (!input.HasPassedHeader && RowParser.Parse(raw, ignored) is not null) input.PassHeader();
        });
        var data = Dataset.Load(path, options);
        var builder = RowObjectives.Refusal(data.Format, preferences: false) is null ? answers.Value : pairs.Value;
        foreach (var row in data.Rows.Take(50)) builder.BuildOne(row);
        data.RequireTrainable(builder == pairs.Value);
    }

    // Every way of reading, by turns, and the same for the same file.
    private static DatasetOptions Options(byte[] bytes) => new()
    {
        OnBadRow = bytes.Length % 2 == 0 ? BadRows.Skip : BadRows.Stop,
        TextSplit = (TextSplit)(bytes.Length / 2 % 3),
        InMemoryBytes = bytes.Length % 5 == 0 ? 0 : 1 << 20,
    };
}
