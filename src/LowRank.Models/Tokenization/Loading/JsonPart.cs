using System.Text.Json;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>One object of a tokenizer file with its place in it, so that what is wrong can be said with file and key.</summary>
internal readonly struct JsonPart(JsonElement element, string path, string source)
{
    /// <summary>The file.</summary>
    public string Source => source;

    /// <summary>The key of this part, such as <c>pre_tokenizer.pretokenizers[1]</c>.</summary>
    public string Path => path;

    /// <summary>The <c>type</c>.</summary>
    public string Type => String("type");

    /// <summary>A string that has to be there.</summary>
    public string String(string key) => Find(key, JsonValueKind.String) is { } value ? value.GetString()! : throw Missing(key, "a string");

    /// <summary>A string, or null where it is missing or null.</summary>
    public string? OptionalString(string key) => Find(key, JsonValueKind.String)?.GetString();

    /// <summary>A flag, or <paramref name="otherwise"/> where it is missing or null; without one it has to be there.</summary>
    public bool Flag(string key, bool? otherwise = null) =>
        Find(key, JsonValueKind.True, JsonValueKind.False)?.GetBoolean() ?? otherwise ?? throw Missing(key, "true or false");

    /// <summary>A whole number from <paramref name="least"/> on, or <paramref name="otherwise"/> where it is missing or null; without one it has to be there. Hugging Face's are all without a sign.</summary>
    public int Integer(string key, int? otherwise = null, int least = 0)
    {
        if (Find(key, JsonValueKind.Number) is not { } value) return otherwise ?? throw Missing(key, Wanted());
        return value.TryGetInt32(out var number) && number >= least ? number : throw Missing(key, Wanted());

        string Wanted() => $"a whole number from {least}";
    }

    /// <summary>The object under a key, or null where it is missing or null.</summary>
    public JsonPart? Object(string key) => Find(key, JsonValueKind.Object) is { } value ? new JsonPart(value, $"{path}.{key}", source) : null;

    /// <summary>The objects of a list that has to be there.</summary>
    public List<JsonPart> List(string key)
    {
        if (Find(key, JsonValueKind.Array) is not { } array) throw Missing(key, "a list");
        var parts = new List<JsonPart>();
        foreach (var item in array.EnumerateArray())
        {
            var at = $"{path}.{key}[{parts.Count}]";
            parts.Add(item.ValueKind == JsonValueKind.Object ? new JsonPart(item, at, source)
                : throw new TokenizerFormatException($"{source}: {at} has to be an object, not {item.ValueKind}."));
        }
        return parts;
    }

    /// <summary>All keys and values.</summary>
    public IEnumerable<(string Key, JsonElement Value)> Properties() => element.EnumerateObject().Select(p => (p.Name, p.Value));

    /// <summary>The value under a key whatever it is, or null where it is missing or null.</summary>
    public JsonElement? Value(string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>The error of a part that names a kind which is not supported.</summary>
    public UnsupportedTokenizerFeatureException Unsupported(string what) => new($"{path}: {what}", source);

    /// <summary>The error of a key that is missing or of another kind than expected.</summary>
    public TokenizerFormatException Missing(string key, string expected) => new($"{source}: {path}.{key} has to be {expected}.");

    private JsonElement? Find(string key, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (Value(key) is not { } value) return null;
        foreach (var kind in kinds)
            if (value.ValueKind == kind) return value;
        throw Missing(key, string.Join(" or ", kinds.ToArray()).ToLowerInvariant() + $", not {value.ValueKind}");
    }
}
