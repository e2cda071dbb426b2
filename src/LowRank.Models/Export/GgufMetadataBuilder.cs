using System.Globalization;

namespace LowRank.Models.Export;

/// <summary>The metadata of a GGUF file in the making, in the order of the file. Setting a key again keeps its first place, as gguf-py does.</summary>
internal sealed class GgufMetadataBuilder
{
    private readonly OrderedDictionary<string, object> values = new(StringComparer.Ordinal);

    /// <summary>The prefix of keys that describe the model (<c>general.architecture</c>).</summary>
    public required string Architecture { get; init; }

    /// <summary>All pairs.</summary>
    public IReadOnlyList<KeyValuePair<string, object>> Pairs => values;

    /// <summary>Sets a key.</summary>
    public void Set(string key, object value) => values[key] = value;

    /// <summary>Sets a key where there is a value.</summary>
    public void SetIfKnown(string key, object? value)
    {
        if (value is not null) values[key] = value;
    }

    /// <summary>Sets <c>ARCHITECTURE.name</c> to a whole number.</summary>
    /// <exception cref="OverflowException">It is negative or larger than 32 bits.</exception>
    public void Count(string name, long value) => Set($"{Architecture}.{name}", Convert.ToUInt32(value, CultureInfo.InvariantCulture));

    /// <summary>Sets <c>ARCHITECTURE.name</c> to a number in single precision.</summary>
    public void Number(string name, double value) => Set($"{Architecture}.{name}", (float)value);
}
