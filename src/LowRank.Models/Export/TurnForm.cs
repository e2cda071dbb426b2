using LowRank.Models.Templates;

namespace LowRank.Models.Export;

/// <summary>
/// A chat template that is nothing but texts around each message, learned from what the Jinja source renders: the form in which other programs write templates. A template that does more
/// with plain messages (dates, a system message within the user's, reasoning that is left out) has no such form.
/// </summary>
internal sealed class TurnForm
{
    // Templates that tell the date are found by another day.
    private static readonly TimeProvider today = TimeProvider.System, anotherDay = new LaterClock();

    private const string System = "system", User = "user", Assistant = "assistant";

    private readonly Dictionary<string, (string Before, string After)> around = [];

    private TurnForm()
    {
    }

    /// <summary>The text before all messages, such as the token of the beginning.</summary>
    public string Start { get; private set; } = "";

    /// <summary>The system message that stands where none is given, or null.</summary>
    public string? DefaultSystem { get; private set; }

    /// <summary>The text at which an answer begins.</summary>
    public string Prompt { get; private set; } = "";

    /// <summary>The texts before and after a message of each role that the template takes.</summary>
    public IReadOnlyDictionary<string, (string Before, string After)> Around => around;

    /// <summary>Learns a template and checks that its form renders other conversations as the template does.</summary>
    /// <returns>Null where the template has no such form.</returns>
    public static TurnForm? Learn(ChatTemplate template)
    {
        try
        {
            var form = new TurnForm();
            return form.Read(template) && Conversations(form.around.ContainsKey(System)).All(c => form.Render(c, true) == Rendered(template, c, true, anotherDay) && form.Render(c, false) == Rendered(template, c, false, anotherDay)) ? form : null;
        }
        catch (ChatTemplateException)
        {
            return null; // it refuses what every plain form takes
        }
    }

    /// <summary>What the form makes of a conversation.</summary>
    public string Render(IReadOnlyList<ChatMessage> messages, bool prompt)
    {
        var text = new global::System.Text.StringBuilder(Start);
        if (DefaultSystem is not null && messages[0].Role != System) Add(System, DefaultSystem);
        foreach (var message in messages) Add(message.Role, (string)message.Content!);
        return text.Append(prompt ? Prompt : "").ToString();

        void Add(string role, string content) => text.Append(around[role].Before).Append(content).Append(around[role].After);
    }

    private bool Read(ChatTemplate template)
    {
        // Contents that no template holds, and that trimming does not change.
        const string s = "Xs1Y", u = "Xu1Y", a = "Xa1Y", v = "Xu2Y";
        var one = Rendered(template, [new(User, u)], false);
        var asked = Rendered(template, [new(User, u)], true);
        var answered = Rendered(template, [new(User, u), new(Assistant, a)], false);
        var three = Rendered(template, [new(User, u), new(Assistant, a), new(User, v)], false);
        if (!(one.Contains(u, StringComparison.Ordinal) && asked.StartsWith(one, StringComparison.Ordinal) && answered.Contains(a, StringComparison.Ordinal) && three.Contains(v, StringComparison.Ordinal))) return false;
        var (userAfter, assistantAfter) = (After(one, u), After(answered, a));
        var between = Between(three, a, v);
        if (!between.StartsWith(assistantAfter, StringComparison.Ordinal) || !Between(answered, u, a).StartsWith(userAfter, StringComparison.Ordinal)) return false;
        var userBefore = between[assistantAfter.Length..];
        var head = Before(one, u);
        if (!head.EndsWith(userBefore, StringComparison.Ordinal)) return false;
        (Prompt, Start) = (asked[one.Length..], head[..^userBefore.Length]);
        around[User] = (userBefore, userAfter);
        around[Assistant] = (Between(answered, u, a)[userAfter.Length..], assistantAfter);
        return ReadSystem(template, s, u, userBefore);
    }

    private bool ReadSystem(ChatTemplate template, string s, string u, string userBefore)
    {
        string told;
        try
        {
            told = Rendered(template, [new(System, s), new(User, u)], false);
        }
        catch (ChatTemplateException)
        {
            return true; // a family without a role for it
        }
        if (!told.Contains(s, StringComparison.Ordinal) || !Between(told, s, u).EndsWith(userBefore, StringComparison.Ordinal)) return false;
        var (before, after) = (Before(told, s), Between(told, s, u)[..^userBefore.Length]);
        // What stands first in both is the start; what stands there only where no message is given is a default.
        if (Start.Length > before.Length + after.Length && Start.StartsWith(before, StringComparison.Ordinal) && Start.EndsWith(after, StringComparison.Ordinal))
        {
            DefaultSystem = Start[before.Length..^after.Length];
            (around[System], Start) = ((before, after), "");
        }
        else if (before.StartsWith(Start, StringComparison.Ordinal)) around[System] = (before[Start.Length..], after);
        return around.ContainsKey(System);
    }

    private static IEnumerable<ChatMessage[]> Conversations(bool withSystem)
    {
        ChatMessage[] turns = [new(User, "Name two colours,\nplease."), new(Assistant, "Red; blue."), new(User, "Zwei weitere: ü?"), new(Assistant, "grün"), new(User, "{{ thanks }}")];
        foreach (var count in new[] { 1, 2, 3, 5 })
        {
            yield return turns[..count];
            if (withSystem) yield return [new(System, "Be brief. Use words."), .. turns[..count]];
        }
    }

    private static string Rendered(ChatTemplate template, IReadOnlyList<ChatMessage> messages, bool prompt, TimeProvider? clock = null) =>
        template.Render(messages, new ChatTemplateOptions { AddGenerationPrompt = prompt, Clock = clock ?? today });

    private static string Before(string text, string content) => text[..text.IndexOf(content, StringComparison.Ordinal)];

    private static string After(string text, string content) => text[(text.LastIndexOf(content, StringComparison.Ordinal) + content.Length)..];

    private static string Between(string text, string first, string second)
    {
        var from = text.IndexOf(first, StringComparison.Ordinal) + first.Length;
        return text[from..text.IndexOf(second, from, StringComparison.Ordinal)];
    }

    private sealed class LaterClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => today.GetUtcNow().AddDays(400);
    }
}
