using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>Every mistake gives one clear line, exit code 1 or 2, no stack trace, and leaves nothing half-written.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_missing_file() => (await Tool.Run("inspect", folder.At("none.safetensors"))).AssertFails(1, "none.safetensors does not exist");

    [Fact]
    public async Task Missing_data() => (await Tool.Run("inspect", folder.At("none.jsonl"))).AssertFails(1, "none.jsonl", "there is no such file");

    [Fact]
    public async Task Half_a_safetensors_file()
    {
        var whole = File.ReadAllBytes(Path.Combine(TinyModel.Create(folder.At("model")), "model.safetensors"));
        File.WriteAllBytes(folder.At("half.safetensors"), whole[..(whole.Length / 2)]);
        (await Tool.Run("inspect", folder.At("half.safetensors"))).AssertFails(1, "half.safetensors");
    }

    [Fact]
    public async Task Half_a_gguf_file()
    {
        File.WriteAllBytes(folder.At("half.gguf"), [.. "GGUF"u8, 3, 0, 0, 0, 9]);
        (await Tool.Run("convert", folder.At("half.gguf"), folder.At("out"))).AssertFails(1, "half.gguf");
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task Json_that_is_none_is_told_with_line_and_column()
    {
        var path = folder.Write("rows.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\", \"completion\": }\n");
        (await Tool.Run("inspect", path)).AssertFails(1, $"{path}:2:31: not JSON");
    }

    [Theory]
    [InlineData("model.bin")]
    [InlineData("model.pt")]
    public async Task A_pickle_is_refused_with_the_reason(string name) => (await Tool.Run("inspect", folder.Write(name, "x"))).AssertFails(1, "pickle", "runs code");

    [Fact]
    public async Task An_unknown_model_type_is_named_with_the_known_ones()
    {
        var model = TinyModel.Create(folder.At("model"));
        var config = File.ReadAllText(Path.Combine(model, "config.json")).Replace("\"llama\"", "\"lama7\"", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(model, "config.json"), config);
        (await Train(model, TinyModel.CreateData(folder.At("rows.jsonl")))).AssertFails(1, "lama7", "llama", "qwen3");
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task A_target_that_matches_nothing_names_the_nearest()
    {
        var result = await Train(TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")), "--target", "q_prj");
        result.AssertFails(1, "q_prj", "q_proj");
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task An_output_folder_that_exists_is_not_touched()
    {
        Directory.CreateDirectory(folder.At("out"));
        folder.Write(Path.Combine("out", "mine.txt"), "mine");
        (await Train("nowhere", "nothing")).AssertFails(1, "out", "exists");
        Assert.Equal(["mine.txt"], Directory.GetFileSystemEntries(folder.At("out")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_row_with_nothing_to_learn_is_told_with_its_line()
    {
        var rows = folder.Write("rows.jsonl", """
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
            {"messages": [{"role": "user", "content": "a"}]}

            """);
        (await Train(TinyModel.Create(folder.At("model")), rows)).AssertFails(1, $"{rows}:2");
    }

    [Fact]
    public async Task Wrong_settings_are_told_together()
    {
        var result = await Tool.Run("train", "--rank", "0", "--alpha", "much", "--packing", "maybe", "--bias", "some");
        result.AssertFails(2, "4 settings", "--rank: \"0\" is not a whole number from 1", "--alpha: \"much\" is not a number", "--packing: \"maybe\" is not true or false", "--bias: \"some\" is not one of none, all, lora_only");
    }

    [Fact]
    public async Task A_device_that_is_not_there()
    {
        var (model, data) = (TinyModel.Create(folder.At("model")), TinyModel.CreateData(folder.At("rows.jsonl")));
        (await Train(model, data, "--device", "cuda:99")).AssertFails(1, "There is no device cuda:99");
        (await Tool.Run("generate", "--model", model, "--prompt", "a", "--device", "gpu")).AssertFails(1, "The device \"gpu\" is not known", "auto, cpu, cuda");
        Assert.False(Directory.Exists(folder.At("out")));
    }

    [Fact]
    public async Task Missing_settings_are_told_together() => (await Tool.Run("train", "--rank", "8")).AssertFails(2, "--model MODEL is missing", "--data DATA is missing", "--output FOLDER is missing");

    [Fact]
    public async Task A_wrong_key_in_yaml_is_told_with_its_line()
    {
        var yaml = folder.Write("run.yaml", "rank: 8\nlearning-rte: 1e-4\n");
        (await Tool.Run("train", "--config", yaml)).AssertFails(2, $"{yaml}:2: learning-rte: there is no such setting; did you mean learning-rate");
    }

    [Fact]
    public async Task Resuming_what_is_no_run() => (await Tool.Run("train", "--resume", folder.Path)).AssertFails(1, "run.json is missing");

    [Fact]
    public async Task An_adapter_that_is_not_there() => (await Tool.Run("generate", "--adapter", folder.At("none"), "--prompt", "a")).AssertFails(1, "none does not exist. An adapter is a folder with adapter_config.json");

    [Fact]
    public async Task A_prompt_and_a_file_of_prompts() => (await Tool.Run("generate", "--prompt", "a", "--file", "b")).AssertFails(2, "--prompt", "--file");

    // What must be said of each is tested with the library.
    public static IEnumerable<TheoryDataRow<string>> Broken => Golden.Cases("datasets/broken-inspect", Golden.At("datasets", "broken") is var at && Directory.Exists(at)
        ? Directory.GetFiles(at).Select(p => Path.GetFileName(p)).Where(name => name is not ("index.json" or ".gitattributes")) : []);

    [Theory]
    [MemberData(nameof(Broken))]
    [Trait("Category", "Golden")]
    public async Task Broken_data_ends_without_a_stack_trace(string name)
    {
        var result = await Tool.Run("inspect", Golden.At("datasets", "broken", name), "--rows", "1");
        Assert.InRange(result.Code, 0, 1);
        Assert.DoesNotContain("internal error", result.Error, StringComparison.Ordinal);
        Assert.Equal(result.Code == 1, result.Error.StartsWith("error:", StringComparison.Ordinal));
    }

    private Task<ToolResult> Train(string model, string data, params string[] more) =>
        Tool.Run(["train", "--model", model, "--data", data, "--output", folder.At("out"), "--max-steps", "2", "--threads", "1", .. more]);
}
