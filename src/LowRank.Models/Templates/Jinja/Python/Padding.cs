using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Filling a <c>str</c> up to a width, in code points.</summary>
internal static class Padding
{
    public static object Pad(Interpreter interpreter, object text, int left, int right, string fill)
    {
        (left, right) = (Math.Max(0, left), Math.Max(0, right));
        if (left == 0 && right == 0) return text;
        interpreter.Charge((long)left + right);
        var builder = new TextBuilder(interpreter.Limits.OutputLength);
        for (var i = 0; i < left; i++) builder.Append(fill);
        builder.AppendText(text);
        for (var i = 0; i < right; i++) builder.Append(fill);
        return builder.ToValue();
    }

    public static object Center(Interpreter interpreter, object text, int width, string fill)
    {
        var missing = width - Texts.Count(Texts.Plain(text));
        if (missing <= 0) return text;
        // CPython: the odd one goes to the left where the width is odd.
        var left = missing / 2 + (missing & width & 1);
        return Pad(interpreter, text, left, missing - left, fill);
    }

    public static object ZeroFill(Interpreter interpreter, object text, int width)
    {
        var plain = Texts.Plain(text);
        var missing = width - Texts.Count(plain);
        if (missing <= 0) return text;
        if (plain.Length == 0 || plain[0] is not ('+' or '-')) return Pad(interpreter, text, missing, 0, "0");
        return Texts.Concat(Texts.Slice(text, 0, 1), Pad(interpreter, Texts.Slice(text, 1, plain.Length - 1), missing, 0, "0"));
    }

    public static object ExpandTabs(Interpreter interpreter, object text, int size)
    {
        var plain = Texts.Plain(text);
        var builder = new TextBuilder(interpreter.Limits.OutputLength);
        var column = 0;
        for (var i = 0; i < plain.Length; i++)
        {
            if (plain[i] != '\t')
            {
                builder.AppendText(text, i, 1);
                column = plain[i] is '\n' or '\r' ? 0 : column + (char.IsLowSurrogate(plain[i]) ? 0 : 1);
                continue;
            }
            var spaces = size > 0 ? size - column % size : 0;
            interpreter.Charge(spaces);
            builder.Append(' ', spaces);
            column += spaces;
        }
        return builder.ToValue();
    }
}
