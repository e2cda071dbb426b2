namespace LowRank.Training.Import;

/// <summary>
/// What becomes of the keys of a tool that need no reading: those without an effect on the result here, each with the reason, and those that are
/// refused. What is in neither is told as unknown.
/// </summary>
internal sealed class KeyTable
{
    private readonly Dictionary<string, string> withoutEffect = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RefusedKey> refused = new(StringComparer.Ordinal);

    /// <summary>Keys that the result does not depend on, for one reason.</summary>
    public KeyTable WithoutEffect(string reason, params string[] keys)
    {
        foreach (var key in keys) withoutEffect[key] = reason;
        return this;
    }

    /// <summary>Keys that are refused for one reason, unless they are null, false or empty.</summary>
    public KeyTable Refuse(string reason, params string[] keys)
    {
        foreach (var key in keys) refused[key] = new RefusedKey(reason);
        return this;
    }

    /// <summary>A key that is refused unless it has one of these values.</summary>
    public KeyTable RefuseUnless(string key, string reason, params string[] harmless)
    {
        refused[key] = new RefusedKey(reason, harmless);
        return this;
    }

    /// <summary>The keys of another table too.</summary>
    public KeyTable With(KeyTable other)
    {
        foreach (var (key, reason) in other.withoutEffect) withoutEffect.TryAdd(key, reason);
        foreach (var (key, entry) in other.refused) refused.TryAdd(key, entry);
        return this;
    }

    /// <summary>Sorts all keys that are still unread.</summary>
    public void Sort(SourceReader reader)
    {
        foreach (var key in reader.Document.Unread)
        {
            var where = reader.Document.Where(key);
            var value = reader.Document.Take(key);
            // A known key without a value does nothing, and is not worth a word.
            if (value is null && (withoutEffect.ContainsKey(key) || refused.ContainsKey(key))) continue;
            if (withoutEffect.TryGetValue(key, out var reason)) reader.Run.HasNoEffect(key, reason);
            else if (refused.TryGetValue(key, out var entry))
            {
                if (entry.IsHarmless(value!)) reader.Run.HasNoEffect(key, SourceReader.AsHere);
                else reader.Refuse(key, $"{value!.Shown}: {entry.Reason}.");
            }
            else reader.Run.IsUnknown(key, value?.Shown ?? "null", where);
        }
    }
}
