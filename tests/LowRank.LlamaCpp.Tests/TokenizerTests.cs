using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Export;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.LlamaCpp.Tests;

/// <summary>Real tokenizers, exported with a model: llama.cpp reads texts as the same tokens (<c>tokenizer.ggml.pre</c>, types, merges).</summary>
[Trait("Category", "Golden")]
public sealed class TokenizerTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    public static IEnumerable<TheoryDataRow<string>> Tokenizers => Golden.Cases("llama.cpp/tokenizers", !Directory.Exists(Golden.At("tokenizers")) ? []
        : Directory.GetDirectories(Golden.At("tokenizers")).Where(d => File.Exists(Path.Combine(d, "tokenizer_config.json"))).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Tokenizers))]
    public void Llama_cpp_reads_the_same_tokens(string name)
    {
        var source = Golden.At("tokenizers", name);
        var tokenizer = Tokenizer.Load(source);
        var rows = 1 + Math.Max(tokenizer.VocabularySize - 1, tokenizer.AddedTokens.Max(t => t.Id));
        using var llama = LlamaCppModel.Tokenizer(Export(source, rows), special: true, out var read);
        var differences = new List<string>();
        foreach (var line in File.ReadAllText(Path.Combine(source, "encode.jsonl")).Split('\n').Where(l => l.Length > 0))
        {
            using var row = JsonDocument.Parse(line);
            var text = row.RootElement.GetProperty("text").GetString()!;
            if (name == "qwen3" && ReadsOtherwise(text, row.RootElement.GetProperty("decoded").GetString()!)) continue;
            int[] want = [.. row.RootElement.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            var got = read(text);
            if (!want.SequenceEqual(got)) differences.Add($"{row.RootElement.GetProperty("category").GetString()} {JsonSerializer.Serialize(text)}: {string.Join(' ', want.Take(20))}, llama.cpp {string.Join(' ', got.Take(20))}");
        }
        Assert.True(differences.Count == 0, $"{differences.Count} texts differ:\n" + string.Join('\n', differences));
    }

    // What llama.cpp has no place for in a BPE vocabulary, whoever wrote the file: Qwen's normalization to NFC, after which a text is decoded as another one; and a token that is called </s>, which
    // ends a turn there, whatever its type says.
    private static bool ReadsOtherwise(string text, string decoded) => text != decoded || text.Contains("</s>", StringComparison.Ordinal);

    private string Export(string source, int rows)
    {
        var config = new JsonObject
        {
            ["model_type"] = "llama", ["vocab_size"] = rows, ["hidden_size"] = 4, ["intermediate_size"] = 4, ["num_hidden_layers"] = 1, ["num_attention_heads"] = 1, ["num_key_value_heads"] = 1,
            ["max_position_embeddings"] = 256, ["rms_norm_eps"] = 1e-5, ["tie_word_embeddings"] = true, ["torch_dtype"] = "float32",
        };
        var at = "model.layers.0.";
        var model = TinyModel.Write(Path.Combine(folder, "model"), config,
        [
            ("model.embed_tokens.weight", TensorType.F32, [rows, 4]), ("model.norm.weight", TensorType.F32, [4]),
            .. new[] { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj" }.Select(m => (at + m + ".weight", TensorType.F32, new long[] { 4, 4 })),
            (at + "input_layernorm.weight", TensorType.F32, [4]), (at + "post_attention_layernorm.weight", TensorType.F32, [4]),
        ], 1);
        foreach (var file in new[] { "tokenizer.json", "tokenizer_config.json" }) File.Copy(Path.Combine(source, file), Path.Combine(model, file), overwrite: true);
        var path = Path.Combine(folder, "x.gguf");
        GgufExporter.Export(model, path, new GgufExportOptions { Type = GgufFileType.F32 });
        return path;
    }
}
