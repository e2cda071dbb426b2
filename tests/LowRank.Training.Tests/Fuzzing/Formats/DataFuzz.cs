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
    private static readonly Dictionary<RowUse, Lazy<ExampleBuilder>> builders = Enum.GetValues<RowUse>().ToDictionary(u => u, u => new Lazy<ExampleBuilder>(() => new ExampleBuilder(tokenizer.Value, new ChatTemplate(Template), options: new ExampleOptions { MaxLength = 256, Use = u })));

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
        // Every use that the rows have; the first is also what the whole file is asked for.
        var uses = Enum.GetValues<RowUse>().Where(u => RowObjectives.Refusal(data.Format, u) is null).ToList();
        foreach (var use in uses)
            foreach (var row in data.Rows.Take(50)) builders[use].Value.BuildOne(row);
        data.RequireTrainable(uses[0]);
    }

    // Every way of reading, by turns, and the same for the same file.
    private static DatasetOptions Options(byte[] bytes) => new()
    {
        OnBadRow = bytes.Length % 2 == 0 ? BadRows.Skip : BadRows.Stop,
        TextSplit = (TextSplit)(bytes.Length / 2 % 3),
        InMemoryBytes = bytes.Length % 5 == 0 ? 0 : 1 << 20,
    };
}
