using System.Text.Json.Nodes;
using LowRank.Training.Events;
using LowRank.Training.Settings;

namespace LowRank.Training.Tests.Guards;

/// <summary>Real runs on a tiny model, and what the guards said of them.</summary>
internal sealed class GuardedRuns : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-guards-").FullName;
    private int runs;

    /// <summary>A sound run: a LoRA of rank 4 for nine steps.</summary>
    public TrainSettings Sound() => new()
    {
        Model = new ModelSettings { Model = Model("model"), Threads = 1 },
        Adapter = new AdapterSettings { Rank = 4 },
        Data = new DataSettings { Data = Rows() },
        Optimization = new OptimizationSettings { MaxSteps = 9, Batch = 4, LearningRate = 1e-2 },
        Evaluation = new EvaluationSettings { Samples = 0 },
        Output = new OutputSettings { Output = At($"run-{runs++}"), Report = false },
    };

    /// <summary>The model of the quickstart.</summary>
    public static string TinyAsset => Path.Combine(AppContext.BaseDirectory, "assets", "tiny");

    /// <summary>A path in the folder of these runs.</summary>
    public string At(string name) => Path.Combine(folder, name);

    /// <summary>A model of random weights, with another chat template where one is given.</summary>
    public string Model(string name, string? template = null, int hidden = 32, int layers = 2)
    {
        var path = At(name);
        if (!Directory.Exists(path)) TinyModel.Create(path, hidden, layers);
        if (template is not null) File.WriteAllText(Path.Combine(path, "tokenizer_config.json"), new JsonObject { ["chat_template"] = template }.ToJsonString());
        return path;
    }

    /// <summary>The usual rows.</summary>
    public string Rows(int count = 24) => TinyModel.CreateData(At($"rows-{count}.jsonl"), count);

    /// <summary>Writes lines.</summary>
    public string Write(string name, params IEnumerable<string> lines)
    {
        File.WriteAllLines(At(name), lines);
        return At(name);
    }

    /// <summary>A row of question and answer.</summary>
    public static string Row(string question, string answer) => new JsonObject { ["prompt"] = question, ["completion"] = answer }.ToJsonString();

    /// <summary>An adapter for the usual model in which every byte of every matrix is this one.</summary>
    public async Task<string> AdapterOf(byte value)
    {
        var settings = Sound();
        settings = settings with { Optimization = settings.Optimization with { MaxSteps = 1 } };
        Assert.Empty(await Run(settings));
        var file = Path.Combine(settings.Output.Output, "adapter_model.safetensors");
        var bytes = File.ReadAllBytes(file);
        bytes.AsSpan(8 + (int)BitConverter.ToInt64(bytes)).Fill(value);
        File.WriteAllBytes(file, bytes);
        return settings.Output.Output;
    }

    /// <summary>Runs to the end or to an error.</summary>
    /// <returns>The guards that spoke, warnings and errors alike.</returns>
    public static async Task<List<string>> Run(TrainSettings settings, Action<TrainingRun>? meddle = null)
    {
        var ids = new List<string>();
        try
        {
            using var run = TrainingRun.Create(settings);
            meddle?.Invoke(run);
            await foreach (var e in run.TrainAsync())
                if (e is RunWarning { Id: { } id }) ids.Add(id);
            var lines = File.ReadAllLines(Path.Combine(settings.Output.Output, MetricsFile.FileName)).Select(l => JsonNode.Parse(l)!);
            Assert.Equal(ids, lines.Select(l => (string?)l["id"]).OfType<string>());
        }
        catch (LowRankException error) when (error.GuardId is { } id)
        {
            ids.Add(id);
        }
        return ids;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
