using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Export;
using LowRank.Testing;

namespace LowRank.LlamaCpp.Tests;

/// <summary>PEFT's adapters, exported and applied by llama.cpp: the logits and continuations of PEFT.</summary>
[Trait("Category", "Golden")]
public sealed class AdapterTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // What the format cannot hold is refused, which GgufAdapterExporterTests look at one by one.
    public static IEnumerable<TheoryDataRow<string>> Adapters => Golden.Cases("llama.cpp/adapters", !Directory.Exists(Golden.At("models", "lora")) ? []
        : Directory.GetDirectories(Golden.At("models", "lora")).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal), WhyNot);

    [Theory, MemberData(nameof(Adapters))]
    public void Llama_cpp_computes_the_logits_of_PEFT(string name)
    {
        var source = Golden.At("models", "lora", name);
        var (baseName, want) = (BaseOf(name), new GoldenTensors(Path.Combine(source, "reference.safetensors")));
        using var llama = LlamaCppModel.Load(ExportedModel.Write(Golden.At("models", baseName), Path.Combine(folder, "base.gguf")));
        var adapter = Path.Combine(folder, "adapter.gguf");
        GgufAdapterExporter.Export(source, Golden.At("models", baseName), adapter);
        var (ids, rows, length) = (want.Longs("input_ids"), (int)want.Shape("input_ids")[0], (int)want.Shape("input_ids")[1]);
        var (logits, vocabulary) = (want.Floats("logits"), (int)want.Shape("logits")[2]);
        var (compared, tolerance) = (Math.Min(length, ExportedModel.Compared(baseName).Short), GoldenModels.Tolerance("adapters", name, "logits"));
        for (var row = 0; row < rows; row++)
        {
            int[] text = [.. ids.AsSpan(row * length, length).ToArray().Select(i => (int)i)];
            llama.Use(null);
            var without = llama.Logits(text);
            llama.Use(adapter);
            var with = llama.Logits(text);
            var wanted = logits.AsSpan(row * length * vocabulary, compared * vocabulary);
            Near.All(wanted, with.AsSpan(0, compared * vocabulary), tolerance, $"{name} row {row}");
            // The adapter counts: without it the logits are far away.
            Assert.True(Near.Largest(wanted, without.AsSpan(0, compared * vocabulary)).Difference > 100 * tolerance);
        }
    }

    // fixtures/gguf/lora: PEFT's greedy continuations of SmolLM2 in float32, which llama.cpp gives within 3e-5 (its README); a choice by less than 0.01 may fall the other way.
    [Fact, Trait("Category", "RealModel")]
    public void Continuations_of_the_real_model_are_those_of_PEFT()
    {
        var (model, source) = (RealModels.Require(RealModels.SmolLM2), Golden.At("gguf", "lora"));
        Assert.SkipUnless(File.Exists(Path.Combine(source, "expected.json")), "absent: gguf/lora");
        var (file, adapter) = (Path.Combine(folder, "base.gguf"), Path.Combine(folder, "adapter.gguf"));
        GgufExporter.Export(model, file, new GgufExportOptions { Type = GgufFileType.F32 });
        GgufAdapterExporter.Export(source, model, adapter);
        using var llama = LlamaCppModel.Load(file);
        llama.Use(adapter);
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(source, "expected.json")));
        foreach (var row in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            int[] ids = [.. Numbers(row, "ids").Select(i => (int)i)];
            var sure = Numbers(row, "margins").TakeWhile(m => m >= 0.01).Count();
            var (got, chances) = llama.Greedy([.. Numbers(row, "prompt_ids").Select(i => (int)i)], ids.Length);
            Assert.Equal(ids[..sure], got[..sure]);
            foreach (var (w, g) in Numbers(row, "logprobs").Zip(chances).Take(sure)) Assert.Equal(w, g, 1e-4);
        }

        static double[] Numbers(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(n => n.GetDouble())];
    }

    private static string BaseOf(string name)
    {
        using var config = JsonDocument.Parse(File.ReadAllBytes(Golden.At("models", "lora", name, LoraConfig.FileName)));
        return config.RootElement.GetProperty("base_model_name_or_path").GetString()!;
    }

    private static string? WhyNot(string name)
    {
        if (!ExportedModel.IsAsPublished(BaseOf(name))) return $"{name}: the base's scale of attention has no place in GGUF";
        var file = Path.GetTempFileName();
        try
        {
            GgufAdapterExporter.Export(Golden.At("models", "lora", name), Golden.At("models", BaseOf(name)), file);
            return null;
        }
        catch (LowRankException e)
        {
            return $"{name}: refused: {e.Message}";
        }
        finally
        {
            File.Delete(file);
        }
    }
}
