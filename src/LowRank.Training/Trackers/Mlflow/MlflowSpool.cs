using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;

namespace LowRank.Training.Trackers.Mlflow;

/// <summary>
/// What is to be sent to an MLflow server, on disk before it is sent: <c>mlflow/spool.jsonl</c> in the run's folder, a line for each request or part of one, and how far the server is.
/// So nothing is lost where the server is gone or the process is killed, and nothing piles up in memory.
/// </summary>
internal sealed class MlflowSpool
{
    /// <summary>Its folder in a run's folder.</summary>
    public const string FolderName = "mlflow";

    /// <summary>A line that creates the run.</summary>
    public const string Create = "create";

    /// <summary>A line with metrics.</summary>
    public const string Metrics = "metrics";

    /// <summary>A line with parameters.</summary>
    public const string Parameters = "params";

    /// <summary>A line that changes the run's state.</summary>
    public const string Update = "update";

    private readonly string statePath;

    /// <summary>The spool of a run.</summary>
    /// <param name="output">The run's folder.</param>
    public MlflowSpool(string output)
    {
        Folder = Path.Combine(output, FolderName);
        LinesPath = Path.Combine(Folder, "spool.jsonl");
        statePath = Path.Combine(Folder, "run.json");
    }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>The file of lines.</summary>
    public string LinesPath { get; }

    /// <summary>Whether there is something to send.</summary>
    public bool HasLines => File.Exists(LinesPath);

    /// <summary>How far the server is; null where nothing was ever noted.</summary>
    /// <exception cref="LowRankException">The note is damaged.</exception>
    public MlflowState? State
    {
        get
        {
            if (!File.Exists(statePath)) return null;
            try
            {
                return JsonSerializer.Deserialize(File.ReadAllBytes(statePath), MlflowJson.Default.MlflowState);
            }
            catch (JsonException error)
            {
                throw new LowRankException($"{statePath}, line {error.LineNumber + 1}: {error.Message.Split(" Path:")[0]}", error);
            }
        }
    }

    /// <summary>Notes how far the server is.</summary>
    public void Keep(MlflowState state) => AtomicFile.WriteAllBytes(statePath, JsonSerializer.SerializeToUtf8Bytes(state, MlflowJson.Default.MlflowState));

    /// <summary>The whole lines from a place on, each with the place behind it. A line that is still being written, or that a killed process left, is not among them.</summary>
    /// <exception cref="LowRankException">A line is not JSON.</exception>
    public IEnumerable<(JsonObject Line, long End)> Read(long from)
    {
        if (!HasLines) yield break;
        using var file = new FileStream(LinesPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        file.Seek(from, SeekOrigin.Begin);
        var line = new MemoryStream();
        var position = from;
        for (int next; (next = file.ReadByte()) >= 0;)
        {
            position++;
            if (next != '\n')
            {
                line.WriteByte((byte)next);
                continue;
            }
            yield return (Parse(line.ToArray(), position), position);
            line.SetLength(0);
        }
    }

    /// <summary>Cuts off a line that a killed process left half-written, so that the next one does not run into it.</summary>
    public void Mend()
    {
        if (!HasLines) return;
        var whole = Read(State?.Sent ?? 0).Select(l => l.End).DefaultIfEmpty(State?.Sent ?? 0).Last();
        using var file = new FileStream(LinesPath, FileMode.Open, FileAccess.ReadWrite);
        if (file.Length > whole) file.SetLength(whole);
    }

    /// <summary>Removes the lines once all of them have been sent.</summary>
    /// <returns>Whether they had.</returns>
    public bool RemoveIfSent()
    {
        if (!HasLines) return true;
        if (State is not { RunId: not null } state || new FileInfo(LinesPath).Length > state.Sent) return false;
        // First the note: lines that are not there are sent from their start.
        Keep(state with { Sent = 0 });
        File.Delete(LinesPath);
        return true;
    }

    private JsonObject Parse(byte[] line, long end)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject ?? throw new JsonException("it is no object");
        }
        catch (JsonException error)
        {
            throw new LowRankException($"{LinesPath}: the line that ends at byte {end} cannot be read: {error.Message} ({Encoding.UTF8.GetString(line.AsSpan(0, Math.Min(line.Length, 80)))})", error);
        }
    }
}
