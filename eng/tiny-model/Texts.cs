using System.Text.Json;
using System.Text.Json.Nodes;

namespace TinyModel;

/// <summary>Makes the base model's conversations and the rows of the quickstart's task.</summary>
internal sealed class Texts(IReadOnlyList<Subject> subjects, int seed)
{
    /// <summary>What stands before a message of the task. The base model never sees it.</summary>
    private const string Task = "Which subject is this message about?";

    /// <summary>Conversations of one to three exchanges, most about one subject.</summary>
    public IEnumerable<(string Role, string Text)[]> Conversations(int count)
    {
        var random = new Random(seed);
        for (var i = 0; i < count; i++)
        {
            var subject = subjects[random.Next(subjects.Count)];
            var turns = new List<(string, string)>();
            for (var left = 1 + random.Next(3); left > 0; left--)
            {
                var exchange = subject.Chat[random.Next(subject.Chat.Count)];
                var sentence = new Sentence(subject, random);
                turns.Add(("user", sentence.Fill(exchange.Questions[random.Next(exchange.Questions.Length)])));
                turns.Add(("assistant", sentence.Fill(exchange.Answers[random.Next(exchange.Answers.Length)])));
            }
            yield return [.. turns];
        }
    }

    /// <summary>
    /// Rows of the task, subjects in turn, no message twice. Training rows leave out every third word of a subject's own lists, so that held-out rows have
    /// wordings and words that the adapter never saw.
    /// </summary>
    public IEnumerable<(string Role, string Text)[]> Messages(int count, bool heldOut)
    {
        var random = new Random(seed + (heldOut ? 2 : 1));
        var labelled = subjects.Where(s => s.Label is not null).ToArray();
        var own = labelled.ToDictionary(s => s, s => s.Words.Keys.Where(name => labelled.Count(o => o.Words.ContainsKey(name)) == 1).ToHashSet());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; seen.Count < count; i++)
        {
            var subject = labelled[seen.Count % labelled.Length];
            var patterns = heldOut ? subject.HeldOut : subject.Learned;
            var sentence = new Sentence(subject, random, (list, word) => heldOut || word % 3 != 2 || !own[subject].Contains(list));
            var text = sentence.Fill(patterns[random.Next(patterns.Count)]);
            if (seen.Add(text)) yield return [("user", Task + "\n" + text), ("assistant", subject.Label!)];
        }
    }

    /// <summary>Writes rows of messages.</summary>
    public static void Write(string path, IEnumerable<(string Role, string Text)[]> rows)
    {
        using var writer = new StreamWriter(path) { NewLine = "\n" };
        var options = new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        foreach (var row in rows)
            writer.WriteLine(new JsonObject { ["messages"] = new JsonArray([.. row.Select(t => new JsonObject { ["role"] = t.Role, ["content"] = t.Text })]) }.ToJsonString(options));
    }
}
