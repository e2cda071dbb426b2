using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LowRank.Adapters;

/// <summary>
/// Regular expressions in Python's syntax (module <c>re</c>, version 3.11), as <c>adapter_config.json</c> holds them, run by .NET's engine.
/// The two agree but for what is translated here:
/// <list type="bullet">
/// <item>named groups become numbered ones, because .NET numbers named groups after the unnamed (only references need their numbers);</item>
/// <item><c>\Z</c> is the very end, <c>{,n}</c> counts from 0, and <c>[</c> inside a class is a plain character.</item>
/// </list>
/// Possessive quantifiers and <c>(?L)</c>, <c>(?a)</c> are refused. Expressions come from files, so each match has a time limit.
/// </summary>
internal static class PythonRegex
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>An expression that has to match the whole text, as <c>re.fullmatch</c>.</summary>
    public static Regex FullMatch(string python) => Compile(python, @"\A(?:", @")\z");

    /// <summary>An expression that has to match from the start of the text, as <c>re.match</c>.</summary>
    public static Regex Match(string python) => Compile(python, @"\A(?:", ")");

    /// <summary>Runs an expression; an endless search becomes an error that names it.</summary>
    public static bool IsMatch(Regex regex, string text, string python)
    {
        try { return regex.IsMatch(text); }
        catch (RegexMatchTimeoutException e)
        {
            throw new LoraConfigException($"The regular expression \"{python}\" takes more than {Limit.TotalSeconds} s on \"{text}\": write it without nested repetition.", e);
        }
    }

    private static Regex Compile(string python, string before, string after)
    {
        try
        {
            return new Regex(before + Translate(python) + after, RegexOptions.CultureInvariant, Limit);
        }
        catch (ArgumentException e)
        {
            throw new LoraConfigException($"\"{python}\" is not a regular expression: {e.Message}", e);
        }
    }

    private static string Translate(string python)
    {
        var result = new StringBuilder(python.Length + 8);
        var groups = new Dictionary<string, int>(StringComparer.Ordinal);
        var group = 0;
        for (var i = 0; i < python.Length; i++)
        {
            switch (python[i])
            {
                case '\\' when i + 1 < python.Length:
                    i++;
                    if (python[i] == 'Z') result.Append(@"\z");
                    else result.Append('\\').Append(python[i]);
                    break;
                case '[':
                    i = CopyClass(python, i, result);
                    break;
                case '(' when python.AsSpan(i).StartsWith("(?P<", StringComparison.Ordinal):
                    var end = End(python, i, '>');
                    groups[python[(i + 4)..end]] = ++group;
                    result.Append('(');
                    i = end;
                    break;
                case '(' when python.AsSpan(i).StartsWith("(?P=", StringComparison.Ordinal):
                    end = End(python, i, ')');
                    result.Append(@"(?:\").Append(Number(python[(i + 4)..end], groups, python)).Append(')');
                    i = end;
                    break;
                case '(' when python.AsSpan(i).StartsWith("(?(", StringComparison.Ordinal):
                    end = End(python, i, ')');
                    result.Append("(?(").Append(Number(python[(i + 3)..end], groups, python)).Append(')');
                    i = end;
                    break;
                case '(' when i + 2 < python.Length && python[i + 1] == '?' && python[i + 2] is 'a' or 'L' or 'u':
                    throw new LoraConfigException($"\"{python}\": the flag \"{python[i..(i + 3)]}\" is not supported in regular expressions.");
                case '(':
                    if (i + 1 >= python.Length || python[i + 1] != '?') group++;
                    result.Append('(');
                    break;
                case '{' when python.AsSpan(i).StartsWith("{,", StringComparison.Ordinal):
                    result.Append("{0");
                    break;
                case '+' when i > 0 && python[i - 1] is '*' or '+' or '?' or '}' && !Escaped(python, i - 1):
                    throw new LoraConfigException($"\"{python}\": possessive quantifiers (\"{python[i - 1]}+\") are not supported in regular expressions.");
                default:
                    result.Append(python[i]);
                    break;
            }
        }
        return result.ToString();
    }

    /// <summary>Copies a character class and returns the place of its closing bracket. .NET takes <c>-[</c> in it as a subtraction.</summary>
    private static int CopyClass(string python, int start, StringBuilder result)
    {
        var i = start + 1;
        result.Append('[');
        if (i < python.Length && python[i] == '^') { result.Append('^'); i++; }
        if (i < python.Length && python[i] == ']') { result.Append(@"\]"); i++; }
        for (; i < python.Length && python[i] != ']'; i++)
        {
            if (python[i] == '\\' && i + 1 < python.Length) result.Append('\\').Append(python[++i]);
            else if (python[i] == '[') result.Append(@"\[");
            else result.Append(python[i]);
        }
        if (i < python.Length) result.Append(']');
        return i;
    }

    private static bool Escaped(string text, int at)
    {
        var slashes = 0;
        while (at - 1 - slashes >= 0 && text[at - 1 - slashes] == '\\') slashes++;
        return slashes % 2 == 1;
    }

    private static int End(string python, int start, char close)
    {
        var end = python.IndexOf(close, start);
        return end >= 0 ? end : throw new LoraConfigException($"\"{python}\" is not a regular expression: a \"{python[start..Math.Min(start + 4, python.Length)]}\" is not closed.");
    }

    private static string Number(string name, Dictionary<string, int> groups, string python) =>
        groups.TryGetValue(name, out var number) ? number.ToString(CultureInfo.InvariantCulture)
        : name.Length > 0 && name.All(char.IsAsciiDigit) ? name
        : throw new LoraConfigException($"\"{python}\" is not a regular expression: it refers to a group \"{name}\" that it has not.");
}
