using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Training.Events;

/// <summary>
/// <c>metrics.jsonl</c>: one JSON object a line, written as it happens. Each line has <c>event</c> and <c>step</c>; numbers that are not finite are null.
/// A resumed run drops the lines after its checkpoint, so that no step is told twice.
/// </summary>
public sealed class MetricsFile
{
    /// <summary>The file's name in a run's folder.</summary>
    public const string FileName = "metrics.jsonl";

    private static readonly JsonWriterOptions Form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly string path;

    private MetricsFile(string path) => this.path = path;

    /// <summary>Opens the file of a run that stands at <paramref name="step"/>.</summary>
    public static MetricsFile Open(string path, long step)
    {
        if (File.Exists(path))
        {
            var kept = File.ReadLines(path).Where(line => StepOf(line) is { } at && at <= step);
            AtomicFile.WriteAllText(path, string.Concat(kept.Select(line => line + "\n")));
        }
        return new MetricsFile(path);
    }

    /// <summary>Appends an event.</summary>
    public void Write(TrainingEvent e)
    {
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
        file.Write(ToJson(e));
        file.WriteByte((byte)'\n');
    }

    /// <summary>An event as one line of JSON, without the line's end.</summary>
    public static byte[] ToJson(TrainingEvent e)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Form))
        {
            json.WriteStartObject();
            json.WriteString("event", e switch
            {
                RunStarted => "start",
                StepCompleted => "step",
                EvaluationCompleted => "evaluation",
                CheckpointSaved => "checkpoint",
                RunWarning => "warning",
                MachineSampled => "machine",
                MicroBatchesSplit => "split",
                AnswersSampled => "answers",
                RunCompleted => "end",
                _ => e.GetType().Name,
            });
            json.WriteNumber("step", e.Step);
            Fields(json, e);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private static void Fields(Utf8JsonWriter json, TrainingEvent e)
    {
        switch (e)
        {
            case RunStarted s:
                json.WriteNumber("trainable_parameters", s.TrainableParameters);
                json.WriteNumber("all_parameters", s.AllParameters);
                json.WriteNumber("total_steps", s.TotalSteps);
                json.WriteNumber("examples", s.Examples);
                json.WriteNumber("validation_examples", s.ValidationExamples);
                json.WriteStartArray("choices");
                foreach (var choice in s.Choices) json.WriteStringValue(choice);
                json.WriteEndArray();
                break;
            case StepCompleted s:
                Number(json, "loss", s.Loss);
                Preference(json, s.Preference);
                Number(json, "learning_rate", s.LearningRate);
                Number(json, "gradient_norm", s.GradientNorm);
                Number(json, "epoch", s.Epoch);
                json.WriteNumber("tokens", s.Tokens);
                json.WriteNumber("supervised_tokens", s.SupervisedTokens);
                Number(json, "tokens_per_second", s.TokensPerSecond);
                Mebibytes(json, "rss_mib", s.ResidentBytes);
                Mebibytes(json, "peak_rss_mib", s.PeakBytes);
                if (s.TimeLeft is { } left) Number(json, "seconds_left", Math.Round(left.TotalSeconds, 1));
                if (s.Paging is { } paging)
                {
                    Mebibytes(json, "paged_in_mib", paging.InBytes);
                    Mebibytes(json, "paged_out_mib", paging.OutBytes);
                }
                break;
            case EvaluationCompleted s:
                Number(json, "loss", s.Loss);
                if (s.Preference is null) Number(json, "perplexity", s.Perplexity);
                Preference(json, s.Preference);
                json.WriteBoolean("best", s.IsBest);
                Samples(json, s.Samples);
                break;
            case AnswersSampled s:
                Samples(json, s.Samples);
                break;
            case MachineSampled s:
                MachineJson.Write(json, s);
                break;
            case MicroBatchesSplit s:
                json.WriteNumber("parts", s.Parts);
                json.WriteString("reason", s.Reason);
                break;
            case CheckpointSaved s:
                json.WriteString("folder", Path.GetFileName(s.Folder));
                break;
            case RunWarning s:
                if (s.Id is not null) json.WriteString("id", s.Id);
                json.WriteString("message", s.Message);
                break;
            case RunCompleted s:
                json.WriteString("end", s.End.ToString().ToLowerInvariant());
                Number(json, "train_loss", s.TrainLoss);
                Number(json, "best_validation_loss", s.BestValidationLoss ?? double.NaN);
                Number(json, "seconds", s.Elapsed.TotalSeconds);
                Number(json, "tokens_per_second", s.TokensPerSecond);
                Mebibytes(json, "measured_peak_mib", s.PeakBytes);
                if (s.PredictedPeakBytes is { } predicted) Mebibytes(json, "predicted_peak_mib", predicted);
                break;
        }
    }

    private static void Samples(Utf8JsonWriter json, IReadOnlyList<(string Prompt, string Answer)> samples)
    {
        json.WriteStartArray("samples");
        foreach (var (prompt, answer) in samples)
        {
            json.WriteStartObject();
            json.WriteString("prompt", prompt);
            json.WriteString("answer", answer);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Preference(Utf8JsonWriter json, PreferenceMetrics? metrics)
    {
        if (metrics is null) return;
        if (metrics.Kl is { } kl)
        {
            json.WriteNumber("good", metrics.Good);
            json.WriteNumber("bad", metrics.Bad);
            Number(json, "kl", kl);
        }
        else json.WriteNumber("pairs", metrics.Pairs);
        Number(json, "reward_chosen", metrics.ChosenReward);
        Number(json, "reward_rejected", metrics.RejectedReward);
        Number(json, "reward_margin", metrics.Margin);
        Number(json, "preference_accuracy", metrics.Accuracy);
    }

    private static void Number(Utf8JsonWriter json, string key, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(key, value);
        else json.WriteNull(key);
    }

    private static void Mebibytes(Utf8JsonWriter json, string key, long bytes) => json.WriteNumber(key, Math.Round(bytes / 1048576.0, 1));

    // A line that a killed process left half-written is dropped too.
    private static long? StepOf(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(Encoding.UTF8.GetBytes(line));
            return json.RootElement.GetProperty("step").GetInt64();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
