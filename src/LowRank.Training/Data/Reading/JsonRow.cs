using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LowRank.Training.Data.Reading;

/// <summary>Writes what is no JSON in its file as the JSON of a row.</summary>
internal static class JsonRow
{
    // The text goes into a parser, not into a web page: escaping letters would only cost.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The bytes of an object that <paramref name="write"/> fills.</summary>
    public static Memory<byte> Of(Action<Utf8JsonWriter> write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(bytes, Plain))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        // The writer's memory belongs to nobody else, and rows may be changed in place.
        return System.Runtime.InteropServices.MemoryMarshal.AsMemory(bytes.WrittenMemory);
    }
}
