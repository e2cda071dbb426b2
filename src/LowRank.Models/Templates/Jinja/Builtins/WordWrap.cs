using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary>The filter <c>wordwrap</c>: each line broken as Python's <c>textwrap</c> does.</summary>
internal static class WordWrap
{
    public static object Apply(Interpreter interpreter, object? value, object?[] arguments)
    {
        var text = Texts.TryGet(value, out var plain) ? plain : throw (value is Undefined u ? u.Error() : Errors.Type($"'{Types.NameOf(value)}' object has no attribute 'splitlines'"));
        var width = arguments[0] is Missing ? 79 : Numbers.ToCount(arguments[0]);
        if (width <= 0) throw Errors.Value($"invalid width {width} (must be > 0)");
        var breakLong = arguments[1] is Missing || Types.IsTrue(arguments[1]);
        var newLine = arguments[2] is Missing or null ? "\n" : Texts.Plain(Representation.Str(arguments[2]));
        var hyphens = arguments[3] is Missing || Types.IsTrue(arguments[3]);
        interpreter.Charge(text.Length);
        var lines = Splitting.Lines(text, keepEnds: false).Select(line => string.Join(newLine, Wrap(Chunks((string)line!, hyphens), width, breakLong, hyphens)));
        return Texts.WithRunsOf(value!, string.Join(newLine, lines));
    }

    private static List<string> Wrap(List<string> chunks, int width, bool breakLong, bool hyphens)
    {
        var lines = new List<string>();
        chunks.Reverse();
        while (chunks.Count > 0)
        {
            var (line, length) = (new List<string>(), 0);
            if (lines.Count > 0 && string.IsNullOrWhiteSpace(chunks[^1])) Pop();
            while (chunks.Count > 0 && length + chunks[^1].Length <= width)
            {
                length += chunks[^1].Length;
                line.Add(Pop());
            }
            if (chunks.Count > 0 && chunks[^1].Length > width)
            {
                if (breakLong)
                {
                    var room = Math.Max(1, width - length);
                    // A long word is cut behind a hyphen where one lies in the room.
                    var hyphen = hyphens ? chunks[^1].LastIndexOf('-', room - 1) : -1;
                    if (hyphen > 0 && chunks[^1].AsSpan(0, hyphen).ContainsAnyExcept('-')) room = hyphen + 1;
                    line.Add(chunks[^1][..room]);
                    chunks[^1] = chunks[^1][room..];
                }
                else if (line.Count == 0) line.Add(Pop());
            }
            if (line.Count > 0 && string.IsNullOrWhiteSpace(line[^1])) line.RemoveAt(line.Count - 1);
            if (line.Count > 0) lines.Add(string.Concat(line));
        }
        return lines;

        string Pop()
        {
            var last = chunks[^1];
            chunks.RemoveAt(chunks.Count - 1);
            return last;
        }
    }

    /// <summary>Words and the white space between; words are cut behind hyphens that stand between letters.</summary>
    private static List<string> Chunks(string line, bool hyphens)
    {
        var chunks = new List<string>();
        for (var i = 0; i < line.Length;)
        {
            var start = i;
            var space = IsSpace(line[i]);
            while (i < line.Length && IsSpace(line[i]) == space)
            {
                i++;
                if (!space && hyphens && i < line.Length && line[i - 1] == '-' && i - start >= 3 && char.IsLetter(line[i - 2]) && IsWord(line[i - 3]) && IsWord(line[i]) && char.IsLetter(line[i])) break;
            }
            chunks.Add(line[start..i]);
        }
        return chunks;

        static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\v' or '\f' or '\r';

        static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';
    }
}
