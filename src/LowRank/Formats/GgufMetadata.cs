using System.Globalization;

namespace LowRank.Formats;

/// <summary>Typed look-ups in the metadata of a GGUF file, with errors that name the key.</summary>
internal sealed class GgufMetadata(string path, IReadOnlyDictionary<string, object> values)
{
    public string Path { get; } = path;

    /// <summary><c>general.architecture</c>, the prefix of the keys that describe the model.</summary>
    public string Architecture => Text("general.architecture") ?? throw new GgufException(Path, $"{Path}: the metadata has no general.architecture, so the model is not known.", "general.architecture");

    /// <summary>The key <c>ARCHITECTURE.name</c>.</summary>
    public string Key(string name) => $"{Architecture}.{name}";

    public bool Has(string key) => values.ContainsKey(key);

    public string? Text(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        string text => text,
        var other => throw Wrong(key, other, "a string"),
    };

    public bool? Flag(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        bool flag => flag,
        var other => throw Wrong(key, other, "a boolean"),
    };

    /// <summary>A whole number of any width. An array (one value a layer) counts as its value where all are equal.</summary>
    public long? Integer(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        ulong or float or double or bool or string or object[] => throw Wrong(key, values[key], "a whole number"),
        Array layers => OneOf(key, layers),
        IConvertible number => number.ToInt64(CultureInfo.InvariantCulture),
        var other => throw Wrong(key, other, "a whole number"),
    };

    public long RequiredInteger(string key) => Integer(key) is { } value and > 0 ? value
        : throw new GgufException(Path, $"{Path}: metadata key '{key}' {(Has(key) ? $"is {Integer(key)}, a positive number was expected" : "is missing")}.", key);

    /// <summary>A finite number of any type, in single precision.</summary>
    public float? Number(string key)
    {
        float? number = values.GetValueOrDefault(key) switch
        {
            null => null,
            float value => value,
            double value => (float)value,
            _ => Integer(key),
        };
        return number is null || float.IsFinite(number.Value) ? number : throw Wrong(key, number, "a finite number");
    }

    private long OneOf(string key, Array layers)
    {
        var distinct = layers.Cast<object>().Distinct().ToArray();
        return distinct is [IConvertible one] and not [string] and not [bool] ? one.ToInt64(CultureInfo.InvariantCulture)
            : throw new GgufException(Path, $"{Path}: metadata key '{key}' differs between layers ({string.Join(", ", distinct.Take(6))}), which is not supported.", key);
    }

    private GgufException Wrong(string key, object value, string wanted) =>
        new(Path, $"{Path}: metadata key '{key}' is {(value is Array ? value.GetType().Name : $"{value} ({value.GetType().Name})")}; {wanted} was expected.", key);
}
