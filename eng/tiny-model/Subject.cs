namespace TinyModel;

/// <summary>A question in several wordings, and answers to it.</summary>
internal sealed record Exchange(string[] Questions, string[] Answers);

/// <summary>
/// A file of <c>text/</c>: lists of words, exchanges of a chat, and messages for the quickstart's task. A message of the task is only ever in one of
/// <see cref="Learned"/> and <see cref="HeldOut"/>.
/// </summary>
internal sealed class Subject
{
    /// <summary>The task's answer for this subject, or null where it is no part of the task.</summary>
    public string? Label { get; private set; }

    /// <summary>Lists of words by name.</summary>
    public Dictionary<string, string[]> Words { get; } = new(StringComparer.Ordinal);

    /// <summary>What the base model learns from.</summary>
    public List<Exchange> Chat { get; } = [];

    /// <summary>Messages of the task's training rows.</summary>
    public List<string> Learned { get; } = [];

    /// <summary>Messages of the held-out rows.</summary>
    public List<string> HeldOut { get; } = [];

    /// <summary>Reads a file; the words of <paramref name="common"/> come to its own.</summary>
    public static Subject Read(string path, Subject? common = null)
    {
        var subject = new Subject();
        if (common is not null)
            foreach (var (name, words) in common.Words) subject.Words.Add(name, words);
        var (section, questions) = ("", Array.Empty<string>());
        foreach (var raw in File.ReadLines(path))
        {
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            if (line.StartsWith("label ", StringComparison.Ordinal)) subject.Label = line[6..];
            else if (line is "words" or "chat" or "learn" or "held-out") section = line;
            else if (section == "words") subject.Words.Add(line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..].Split(',', StringSplitOptions.TrimEntries));
            else if (section == "chat" && line[0] == '?') questions = line[1..].Split('|', StringSplitOptions.TrimEntries);
            else if (section == "chat" && line[0] == '!') subject.Chat.Add(new Exchange(questions, line[1..].Split('|', StringSplitOptions.TrimEntries)));
            else if (section == "learn") subject.Learned.Add(line);
            else if (section == "held-out") subject.HeldOut.Add(line);
            else throw new InvalidDataException($"{path}: '{line}' stands in no section");
        }
        return subject;
    }
}
