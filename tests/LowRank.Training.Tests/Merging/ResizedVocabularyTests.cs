using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Merging;
using LowRank.Models.Tokenization;
using LowRank.Testing;

namespace LowRank.Training.Tests.Merging;

/// <summary>
/// Adapters that were trained after tokens were added, as PEFT stores them: with embedding and head of more rows than the base has. Merged, they give what the same adapter gives over a base
/// that has those rows.
/// </summary>
public sealed class ResizedVocabularyTests : IDisposable
{
    private const int Rows = TinyModel.Vocabulary + 5;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static readonly LoraConfig QueryAndValue = new() { Rank = 4, Alpha = 8, TargetModules = ["q_proj", "v_proj"] };

    // llama's head is the embedding's weight here, mistral's its own.
    [Theory, InlineData("llama"), InlineData("mistral")]
    public void Tables_beside_a_lora_take_the_place_of_the_bases(string family)
    {
        var (basis, resized) = Bases(family);
        KnownAdapter.Write(resized, folder.At("plain"), QueryAndValue);
        KnownAdapter.Write(basis, folder.At("adapter"), QueryAndValue, Tables(resized, ".weight"));
        Expect(basis, resized, "plain", tied: family == "llama", changed: family == "llama" ? 5 : 6);
    }

    [Theory, InlineData("llama", false), InlineData("llama", true), InlineData("mistral", false)]
    public void Tables_that_were_trained_whole_are_the_results(string family, bool tied)
    {
        var (basis, resized) = Bases(family);
        // Of a tied pair one copy, or each its own.
        var config = QueryAndValue with { ModulesToSave = tied ? ["embed_tokens"] : ["embed_tokens", "lm_head"], EnsureWeightTying = tied };
        var copies = Tables(resized, ".original_module.weight");
        // What is tied is stored under both names.
        var trained = copies.ToDictionary(c => c.Key.Replace(".original_module", "", StringComparison.Ordinal), c => c.Value with { Values = [.. c.Value.Values.Select(v => v * (tied || c.Key.StartsWith("model", StringComparison.Ordinal) ? 0.9f : 0.8f))] });
        KnownAdapter.Write(resized, folder.At("plain"), config, trained);
        KnownAdapter.Write(resized, folder.At("adapter"), config, trained.Concat(copies).ToDictionary());
        Expect(basis, resized, "plain", tied, changed: tied ? 5 : 6);
    }

    [Fact]
    public void A_lora_on_embedding_and_head_goes_on_the_copies_beside_it()
    {
        var (basis, resized) = Bases("mistral");
        var config = QueryAndValue with { TargetModules = ["q_proj", "embed_tokens", "lm_head"] };
        KnownAdapter.Write(resized, folder.At("plain"), config);
        KnownAdapter.Write(resized, folder.At("adapter"), config, Tables(resized, ".base_layer.weight"));
        Expect(basis, resized, "plain", tied: false, changed: 4);
    }

    [Theory, InlineData("llama"), InlineData("mistral")]
    public void Trained_rows_of_new_tokens_go_into_the_tables(string family)
    {
        var (basis, resized) = Bases(family);
        var config = QueryAndValue with { TrainableTokens = TrainableTokens.Of(3, Rows - 1) };
        KnownAdapter.Write(resized, folder.At("plain"), config);
        KnownAdapter.Write(resized, folder.At("adapter"), config, Tables(resized, ".token_adapter.base_layer.weight"));
        Expect(basis, resized, "plain", tied: family == "llama", changed: family == "llama" ? 5 : 6);
    }

    [Fact]
    public void A_head_that_differs_from_the_shared_table_becomes_one_of_its_own()
    {
        var (basis, resized) = Bases("llama");
        var tables = Tables(resized, ".weight");
        tables["lm_head.weight"] = tables["lm_head.weight"] with { Values = [.. tables["lm_head.weight"].Values.Select(v => v / 2)] };
        KnownAdapter.Write(basis, folder.At("adapter"), QueryAndValue, tables);
        var report = AdapterMerger.Merge(basis, folder.At("adapter"), folder.At("merged"));
        Assert.True(report.IsHeadSeparate);
        var merged = new GoldenTensors(folder.At("merged/model.safetensors"));
        Assert.Equal(tables["lm_head.weight"].Values, merged.Floats("lm_head.weight"));
        Assert.Equal(tables["model.embed_tokens.weight"].Values, merged.Floats("model.embed_tokens.weight"));
        Check(basis, report);
    }

    [Fact]
    public void Values_take_the_type_of_the_base()
    {
        var (basis, resized) = Bases("mistral");
        KnownAdapter.Write(basis, folder.At("adapter"), QueryAndValue, Tables(resized, ".weight"));
        TinyModel.Narrow(basis);
        TinyModel.Narrow(resized);
        KnownAdapter.Write(resized, folder.At("plain"), QueryAndValue);
        Expect(basis, resized, "plain", tied: false, changed: 6, check: false);
        using var merged = SafetensorsFolder.Open(folder.At("merged"));
        Assert.All(merged.Tensors, t => Assert.Equal(TensorType.BF16, t.Type));
    }

    [Fact]
    public void The_tokenizer_comes_from_the_adapters_folder()
    {
        var (basis, resized) = Bases("llama");
        KnownAdapter.Write(basis, folder.At("adapter"), QueryAndValue, Tables(resized, ".weight"));
        var without = AdapterMerger.Merge(basis, folder.At("adapter"), folder.At("without"));
        Assert.Contains("does not know the tokens that were added", Assert.Single(without.Warnings), StringComparison.Ordinal);
        Assert.False(without.IsTokenizerOfAdapter);
        Assert.Equal(File.ReadAllBytes(Path.Combine(basis, "tokenizer.json")), File.ReadAllBytes(folder.At("without/tokenizer.json")));

        var first = AddTokens("adapter", basis, 1);
        var report = AdapterMerger.Merge(basis, folder.At("adapter"), folder.At("merged"));
        Assert.Empty(report.Warnings);
        Assert.True(report.IsTokenizerOfAdapter);
        Assert.Equal(first, Tokenizer.Load(folder.At("merged")).TokenToId("<|added 0|>"));
        // The template stood in the base's tokenizer_config.json, which the adapter's replaced.
        Assert.Equal("<|added 0|>", TokenizerConfig.Load(folder.At("merged")).PadToken);
        Assert.Equal(TokenizerConfig.Load(basis).ChatTemplate, TokenizerConfig.Load(folder.At("merged")).ChatTemplate);
        Check(basis, report);
    }

    [Fact]
    public void A_tokenizer_with_more_ids_than_the_model_is_not_taken()
    {
        var (basis, resized) = Bases("llama");
        KnownAdapter.Write(basis, folder.At("adapter"), QueryAndValue, Tables(resized, ".weight"));
        AddTokens("adapter", basis, Rows + 1 - Tokenizer.Load(basis).VocabularySize);
        var report = AdapterMerger.Merge(basis, folder.At("adapter"), folder.At("merged"));
        Assert.Contains($"has ids up to {Rows}, the merged model {Rows} tokens", report.Warnings[0], StringComparison.Ordinal);
        Assert.False(report.IsTokenizerOfAdapter);
    }

    [Fact]
    public void Half_of_the_tables_and_use_without_merging_are_refused()
    {
        var (basis, resized) = Bases("mistral");
        var tables = Tables(resized, ".weight");
        KnownAdapter.Write(basis, folder.At("whole"), QueryAndValue, tables);
        tables.Remove("lm_head.weight");
        KnownAdapter.Write(basis, folder.At("half"), QueryAndValue, tables);
        var error = Assert.Throws<AdapterException>(() => AdapterMerger.Merge(basis, folder.At("half"), folder.At("merged")));
        Assert.Contains($"its model.embed_tokens has {Rows} rows and its lm_head {TinyModel.Vocabulary}, those of the base", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.At("merged")));
        using var model = ModelLoader.Load(basis, new ModelLoadOptions());
        Assert.Contains($"was trained with {Rows} tokens", Assert.Throws<AdapterException>(() => model.LoadAdapter(folder.At("whole"))).Message, StringComparison.Ordinal);
        Assert.Null(model.Adapter);
    }

    // The adapter "adapter" over the base against another one over the base that has the rows.
    private void Expect(string basis, string resized, string plain, bool tied, int changed, bool check = true)
    {
        AdapterMerger.Merge(resized, folder.At(plain), folder.At("expected"));
        var report = AdapterMerger.Merge(basis, folder.At("adapter"), folder.At("merged"));
        Assert.Equal((Rows, changed), (report.Vocabulary, report.ChangedTensors));
        GoldenTensors want = new(folder.At("expected/model.safetensors")), got = new(folder.At("merged/model.safetensors"));
        Assert.Equal(want.Names.Order(StringComparer.Ordinal), got.Names.Order(StringComparer.Ordinal));
        Assert.Equal(tied, !got.Has("lm_head.weight"));
        foreach (var name in want.Names)
        {
            Assert.Equal(want.Shape(name), got.Shape(name));
            Assert.Equal(want.Floats(name), got.Floats(name));
        }
        var config = JsonNode.Parse(File.ReadAllText(folder.At("merged/config.json")))!;
        Assert.Equal(Rows, config["vocab_size"]!.GetValue<int>());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(folder.At("expected/config.json"))), config));
        if (check) Check(basis, report);
    }

    private void Check(string basis, MergeReport report)
    {
        var check = MergeCheck.Run(basis, folder.At("adapter"), folder.At("merged"), report, "A short text of some words.");
        // Merging rounds once at fp32's precision: a few units in the last place of logits of some tens.
        Assert.True(check.LargestDifference < 2e-3 && check.KullbackLeibler < 1e-6 && check.Top1Agreement == 1, check.ToString());
    }

    // A base, and the same with five more rows.
    private (string Base, string Resized) Bases(string family)
    {
        var basis = family == "llama" ? TinyModel.Create(folder.At("base")) : TinyFamily.Create(family, folder.At("base"));
        var resized = Directory.CreateDirectory(folder.At("resized")).FullName;
        foreach (var file in Directory.GetFiles(basis)) File.Copy(file, Path.Combine(resized, Path.GetFileName(file)));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(basis, "config.json")))!;
        config["vocab_size"] = Rows;
        File.WriteAllText(Path.Combine(resized, "config.json"), config.ToJsonString());
        var tensors = new GoldenTensors(Path.Combine(basis, "model.safetensors"));
        long[] Shape(string name) => IsTable(name) ? [Rows, tensors.Shape(name)[1]] : tensors.Shape(name);
        using var writer = SafetensorsWriter.Create(Path.Combine(resized, "model.safetensors"), tensors.Names.Select(n => (n, TensorType.F32, Shape(n))));
        foreach (var t in writer.Tensors)
        {
            var values = tensors.Floats(t.Name);
            var random = new Random(t.Name.Length);
            writer.Write(t.Name, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([.. values, .. Enumerable.Range(0, (int)t.Elements - values.Length).Select(_ => (float)random.NextDouble() - 0.5f)]));
        }
        writer.Commit();
        return (basis, resized);
    }

    private static bool IsTable(string name) => name is "model.embed_tokens.weight" or "lm_head.weight";

    // Embedding and head of the model with more rows, under names with this ending; one that is shared under both, as PEFT stores it.
    private static Dictionary<string, (long[] Shape, float[] Values)> Tables(string resized, string ending)
    {
        var tensors = new GoldenTensors(Path.Combine(resized, "model.safetensors"));
        return new[] { "model.embed_tokens", "lm_head" }.ToDictionary(m => m + ending, m =>
        {
            var stored = tensors.Has($"{m}.weight") ? $"{m}.weight" : "model.embed_tokens.weight";
            return (tensors.Shape(stored), tensors.Floats(stored));
        });
    }

    // The base's tokenizer with more tokens, as save_pretrained writes it beside an adapter; returns the first new id.
    private int AddTokens(string adapter, string basis, int count)
    {
        var tokenizer = JsonNode.Parse(File.ReadAllText(Path.Combine(basis, "tokenizer.json")))!;
        var first = Tokenizer.Load(basis).VocabularySize;
        for (var i = 0; i < count; i++)
            tokenizer["added_tokens"]!.AsArray().Add(new JsonObject
            {
                ["id"] = first + i, ["content"] = $"<|added {i}|>", ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
            });
        File.WriteAllText(folder.At($"{adapter}/tokenizer.json"), tokenizer.ToJsonString());
        File.WriteAllText(folder.At($"{adapter}/tokenizer_config.json"), """{"pad_token": "<|added 0|>"}""");
        return first;
    }
}
