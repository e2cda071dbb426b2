namespace LowRank.Training.Comparison;

/// <summary>One setting that varies, with its values as they were written.</summary>
/// <param name="Key">The setting's key.</param>
/// <param name="Values">The values, at least one.</param>
internal sealed record VariedSetting(string Key, IReadOnlyList<string> Values)
{
    /// <summary>Reads <c>method=lora,qlora rank=8,16</c>.</summary>
    /// <exception cref="LowRankException">It is not written so; the message says where.</exception>
    public static IReadOnlyList<VariedSetting> Parse(string text)
    {
        var found = new List<VariedSetting>();
        foreach (var part in text.Split((char[])[' ', ';', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            string[] values = at < 1 ? [] : part[(at + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (values.Length == 0) throw new LowRankException($"--vary {part}: expected a key and its values, such as method=full,lora or rank=8,16,32");
            var key = part[..at] switch { "targets" => "target", var other => other };
            if (found.Any(f => f.Key == key)) throw new LowRankException($"--vary: {key} stands there twice; give all its values once, {key}=A,B");
            found.Add(new VariedSetting(key, [.. values.Distinct(StringComparer.Ordinal)]));
        }
        return found.Count > 0 ? found : throw new LowRankException("--vary: nothing varies; expected a key and its values, such as method=full,lora or rank=8,16,32");
    }
}
