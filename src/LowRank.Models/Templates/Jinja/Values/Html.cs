namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>Escaping as markupsafe does it, for the filters <c>escape</c> and <c>forceescape</c> and for autoescape blocks.</summary>
internal static class Html
{
    /// <summary>The <c>str</c> with the five special characters replaced.</summary>
    public static object Escape(object text)
    {
        var plain = Texts.Plain(text);
        if (plain.AsSpan().IndexOfAny("&<>'\"") < 0) return text;
        var builder = new TextBuilder();
        for (var i = 0; i < plain.Length; i++)
        {
            var replacement = plain[i] switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '\'' => "&#39;", '"' => "&#34;", _ => null };
            if (replacement is null) { builder.AppendText(text, i, 1); continue; }
            var at = builder.Length;
            builder.Append(replacement);
            if (text is TracedText traced)
                foreach (var run in traced.Runs)
                    if (run.Start <= i && i < run.End) builder.Mark(at, run.Message, run.Field);
        }
        return builder.ToValue();
    }
}
