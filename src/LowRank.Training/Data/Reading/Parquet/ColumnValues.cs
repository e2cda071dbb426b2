using System.Text;
using System.Text.Json;

namespace LowRank.Training.Data.Reading.Parquet;

/// <summary>The values of a column in one row group, with their levels, and a place in them that goes forward.</summary>
internal sealed class ColumnValues(SchemaNode node)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private int[] definitions = [], repetitions = [];
    private int entry, value;

    /// <summary>Entries so far, each with a definition and a repetition level.</summary>
    public int Count { get; private set; }

    /// <summary>The values that are there, in one of three forms.</summary>
    public List<long> Numbers { get; } = [];
    public List<double> Fractions { get; } = [];
    public List<byte[]> Texts { get; } = [];

    public bool AtEnd => entry >= Count;

    /// <summary>The definition level of the entry at which it stands.</summary>
    public int Definition => AtEnd ? throw new InvalidDataException($"the column {node.Name} has too few entries") : definitions[entry];

    /// <summary>Its repetition level; -1 behind the last.</summary>
    public int Repetition => AtEnd ? -1 : repetitions[entry];

    /// <summary>
    /// The levels of the next entries, to be filled; a repetition level of 0 is where a row begins. Room comes with the pages that were read, since a number in damaged metadata must not ask
    /// for all of memory.
    /// </summary>
    public (Memory<int> Definitions, Memory<int> Repetitions) Take(int count)
    {
        if (definitions.Length < Count + count)
        {
            var room = Math.Max(Count + count, (int)Math.Min(2L * Count, Array.MaxLength));
            Array.Resize(ref definitions, room);
            Array.Resize(ref repetitions, room);
        }
        Count += count;
        return (definitions.AsMemory(Count - count, count), repetitions.AsMemory(Count - count, count));
    }

    /// <summary>Passes over an entry without a value.</summary>
    public void SkipEmpty() => entry++;

    /// <summary>Writes the value and goes to the next entry.</summary>
    /// <exception cref="InvalidDataException">A text is not UTF-8.</exception>
    public void Write(Utf8JsonWriter json)
    {
        switch (node.Type)
        {
            case SchemaNode.Physical.Boolean: json.WriteBooleanValue(Numbers[value] != 0); break;
            case SchemaNode.Physical.Int32 when node.IsUnsigned: json.WriteNumberValue((uint)Numbers[value]); break;
            case SchemaNode.Physical.Int64 when node.IsUnsigned: json.WriteNumberValue((ulong)Numbers[value]); break;
            case SchemaNode.Physical.Int32 or SchemaNode.Physical.Int64: json.WriteNumberValue(Numbers[value]); break;
            case SchemaNode.Physical.Float or SchemaNode.Physical.Double when !double.IsFinite(Fractions[value]): json.WriteNullValue(); break;
            case SchemaNode.Physical.Float: json.WriteNumberValue((float)Fractions[value]); break;
            case SchemaNode.Physical.Double: json.WriteNumberValue(Fractions[value]); break;
            default: WriteText(json, Texts[value]); break;
        }
        entry++;
        value++;
    }

    // Bytes that are declared to be nothing are most often text from old writers; others, such as pictures, are of no use here but must not be in the way.
    private void WriteText(Utf8JsonWriter json, byte[] bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes)) json.WriteStringValue(Strict.GetString(bytes));
        else if (!node.IsText) json.WriteBase64StringValue(bytes);
        else throw new InvalidDataException($"a text of the column {node.Name} is not UTF-8");
    }
}
