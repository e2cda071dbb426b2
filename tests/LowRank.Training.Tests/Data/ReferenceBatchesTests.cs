using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

/// <summary>fixtures/smollm2/train: the batches that PEFT trained on, made again from the conversations that they hold.</summary>
public sealed partial class ReferenceBatchesTests
{
    private static readonly string Tokenizers = Golden.At("tokenizers", "smollm2");

    public static IEnumerable<TheoryDataRow<string>> Runs() => Golden.Cases("data/batches", "smollm2/train", "batches.safetensors", _ =>
        Directory.Exists(Tokenizers) ? null : "absent: the tokenizer of smollm2");

    [Theory, Trait("Category", "Golden"), MemberData(nameof(Runs))]
    public void Ids_and_labels_equal_those_of_the_reference(string name)
    {
        var tensors = ReadIntegers(Golden.At("smollm2", "train", name + ".safetensors"));
        var tokenizer = Tokenizer.Load(Tokenizers);
        var template = new ChatTemplate(File.ReadAllText(Path.Combine(Tokenizers, "chat_template.jinja")));
        var length = (int)tensors["input_ids"].Shape[^1];
        var rows = tensors["input_ids"].Values.Length / length;
        var conversations = new List<(string, string)[]>();
        for (var row = 0; row < rows; row++)
        {
            var ids = Row("input_ids", row).Zip(Row("attention_mask", row)).Where(t => t.Second == 1).Select(t => (int)t.First).ToArray();
            conversations.Add([.. Turn().Matches(tokenizer.Decode(ids)).Select(m => (m.Groups[1].Value, m.Groups[2].Value))]);
        }
        var data = Dataset.FromConversations(conversations);

        var examples = new ExampleBuilder(tokenizer, template).Build(data.Rows).Examples;
        var strict = new ExampleBuilder(tokenizer, template, options: new ExampleOptions { LearnTurnSeparator = false }).Build(data.Rows).Examples;
        var newline = tokenizer.Encode("\n");
        for (var row = 0; row < rows; row++)
        {
            var real = (int)Row("attention_mask", row).Sum();
            Assert.Equal(Row("input_ids", row)[..real], examples[row].InputIds.ToArray().Select(i => (long)i));
            Assert.Equal(Row("labels", row)[..real].Select(l => l != -100), examples[row].Supervised.ToArray());
            // Without the separator the one difference is the newline behind the end-of-turn token.
            Assert.Equal<bool[]>([.. examples[row].Supervised[..^1], false], strict[row].Supervised.ToArray());
            Assert.Equal(newline[^1], examples[row].InputIds[^1]);
        }

        long[] Row(string tensor, int row) => tensors[tensor].Values.AsSpan(row * length, length).ToArray();
    }

    [GeneratedRegex(@"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", RegexOptions.Singleline)]
    private static partial Regex Turn();

    private static Dictionary<string, (long[] Shape, long[] Values)> ReadIntegers(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var tensors = new Dictionary<string, (long[], long[])>(StringComparer.Ordinal);
        foreach (var tensor in JsonElement.Parse(bytes.AsSpan(8, header)).EnumerateObject())
        {
            if (tensor.Name == "__metadata__") continue;
            Assert.Equal("I64", tensor.Value.GetProperty("dtype").GetString());
            var range = tensor.Value.GetProperty("data_offsets").EnumerateArray().Select(o => o.GetInt32()).ToArray();
            tensors[tensor.Name] = ([.. tensor.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())],
                MemoryMarshal.Cast<byte, long>(bytes.AsSpan(8 + header + range[0], range[1] - range[0])).ToArray());
        }
        return tensors;
    }
}
