using LowRank.Adapters;
using LowRank.Training.Advice;
using LowRank.Training.Planning.Sources;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Advice;

public class AdviserTests
{
    private static AdviceReport Advise(string model, AdviceSettings settings) => Adviser.Advise(ModelSource.Open(model), settings);

    private static string Value(AdviceReport advice, string key) => advice.Choices.Single(c => c.Key == key).Value;

    [Theory]
    [InlineData("t4", "personal", "qlora")]
    [InlineData("colab-free", "prototype", "qlora")]
    [InlineData("rtx4060", "personal", "qlora")]
    [InlineData("rtx4090", "production", "lora")]
    [InlineData("rtx4090", "personal", "lora")]
    [InlineData("a100-80", "production", "lora")]
    [InlineData("h100", "prototype", "lora")]
    public void A_7B_model_gets_what_the_card_allows(string device, string purpose, string method)
    {
        var advice = Advise("llama-2-7b", new AdviceSettings { Device = device, Purpose = purpose, Examples = 2000 });
        Assert.Equal(method, Value(advice, "method"));
        Assert.True(advice.Fits, device);
    }

    [Fact]
    public void A_small_model_needs_no_4_bits_even_where_memory_is_scarce()
    {
        var choice = Advise("smollm2-135m", new AdviceSettings { Memory = "8GB", Examples = 500 }).Choices.Single(c => c.Key == "method");
        Assert.Equal("lora", choice.Value);
        Assert.Contains("less than half", choice.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, "personal", "8")]
    [InlineData(5000, "personal", "16")]
    [InlineData(5000, "production", "32")]
    [InlineData(50_000, "personal", "64")]
    [InlineData(50_000, "production", "128")]
    public void The_rank_follows_the_number_of_examples(long examples, string purpose, string rank) =>
        Assert.Equal(rank, Value(Advise("llama-2-7b", new AdviceSettings { Memory = "80GB", Examples = examples, Length = 256, Purpose = purpose }), "rank"));

    [Fact]
    public void The_rank_rises_where_the_adapter_could_not_hold_the_data_and_falls_where_memory_is_short()
    {
        // SmolLM2-135M at r 8 trains 2.4 M parameters: 900 rows of 2048 tokens, half of them learned, are 0.9 M tokens, 9000 rows 9 M.
        Assert.Equal("8", Value(Advise("smollm2-135m", new AdviceSettings { Memory = "16GB", Examples = 900, Length = 2048 }), "rank"));
        Assert.Equal("32", Value(Advise("smollm2-135m", new AdviceSettings { Memory = "16GB", Examples = 9000, Length = 4096 }), "rank"));
        var scarce = Advise("llama-2-7b", new AdviceSettings { Memory = "7GB", Examples = 50_000, Length = 256 });
        Assert.True(int.Parse(Value(scarce, "rank"), System.Globalization.CultureInfo.InvariantCulture) < 64);
        Assert.True(scarce.Fits);
    }

    [Fact]
    public void Alpha_is_the_rank_and_the_rate_is_ten_times_that_of_full_fine_tuning()
    {
        var advice = Advise("llama-3.1-8b", new AdviceSettings { Memory = "48GB", Examples = 5000 });
        Assert.Equal((Value(advice, "rank"), "2e-4"), (Value(advice, "alpha"), Value(advice, "learning-rate")));
        Assert.Equal("1e-4", Value(Advise("llama-3.3-70b", new AdviceSettings { Memory = "80GB", Examples = 5000 }), "learning-rate"));
        Assert.Equal("1e-3", Value(Advise("smollm2-135m", new AdviceSettings { Memory = "8GB", Examples = 300 }), "learning-rate"));
    }

    [Fact]
    public void Every_choice_has_a_reason_and_a_source_and_every_disagreement_its_cost()
    {
        var advice = Advise("llama-2-7b", new AdviceSettings { Device = "t4", Examples = 800 });
        Assert.All(advice.Choices, c => Assert.All([c.Value, c.Reason, c.Source], Assert.NotEmpty));
        Assert.Equal(["Which rank to begin with?", "Which layers?", "LoRA or QLoRA?", "Which alpha?"], advice.Disagreements.Select(d => d.Question));
        Assert.All(advice.Disagreements, d => Assert.True(d.Opinions.Count >= 2 && d.Opinions.Count(o => o.IsTaken) == 1, d.Question));
        var layers = advice.Disagreements.Single(d => d.Question == "Which layers?").Opinions;
        Assert.Contains("4,194,304 parameters (0.0622 %)", layers[0].Cost, StringComparison.Ordinal);
        Assert.Contains("19,988,480 parameters (0.2958 %)", layers[1].Cost, StringComparison.Ordinal);
    }

    [Fact]
    public void The_written_file_is_one_that_training_takes()
    {
        var folder = Directory.CreateTempSubdirectory("lowrank-advice-").FullName;
        try
        {
            var (model, data, file) = (TinyModel.Create(Path.Combine(folder, "model")), TinyModel.CreateData(Path.Combine(folder, "it's data.jsonl")), Path.Combine(folder, "run.yaml"));
            var advice = Advise(model, new AdviceSettings { Data = data, Memory = "2GB" });
            AdviceFile.Write(file, advice);
            var settings = SettingsBinder.Read<TrainSettings>(SettingsYaml.Read(file));
            SettingsBinder.RequireComplete(settings);
            Assert.Equal((model, data, "2GB"), (settings.Model.Model, settings.Data.Data, settings.Memory.Memory));
            Assert.Equal(Value(advice, "rank"), $"{settings.Adapter.Rank}");
            Assert.Equal(advice.Data.Statistics!.MaxLength, settings.Data.MaxLength);
            Assert.Contains("exists", Assert.Throws<LowRankException>(() => AdviceFile.Write(file, advice)).Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Without_data_nothing_can_be_advised() => Assert.Contains("--data FILE", Assert.Throws<LowRankException>(() => Advise("llama-2-7b", new AdviceSettings())).Message, StringComparison.Ordinal);

    [Fact]
    public void The_lectures_preset_is_rank_8_on_query_and_value_over_4_bits()
    {
        var settings = SettingsBinder.Read<TrainSettings>([.. TrainPresets.Entries("lecture"), new SettingEntry("rank", "4", "--rank")]);
        Assert.Equal(("qlora", 4, 4.0, "qv"), (settings.Adapter.Method, settings.Adapter.Rank, ((LoraConfig)settings.Adapter.ToConfig()).Alpha, settings.Adapter.Target));
        Assert.Contains("lecture", Assert.Throws<LowRankException>(() => TrainPresets.Entries("lectures")).Message, StringComparison.Ordinal);
    }
}
