using LowRank.Formats;

namespace LowRank.Adapters;

/// <summary>
/// Writes an adapter folder tensor by tensor, with the bytes that PEFT gives for the same tensors. Nothing appears under its name before
/// <see cref="Commit"/>. Not for use from several threads.
/// </summary>
public sealed class AdapterWriter : IDisposable
{
    private readonly AtomicFolder? folder;
    private readonly string place;
    private readonly string config;
    private readonly AdapterRecord? record;
    private readonly SafetensorsWriter weights;

    private AdapterWriter(AtomicFolder? folder, string place, string config, IReadOnlyList<(string Name, TensorType Type, long[] Shape)> tensors, AdapterRecord? record)
    {
        (this.folder, this.place, this.config, this.record) = (folder, place, config, record);
        weights = SafetensorsWriter.Create(Path.Combine(place, AdapterFolder.WeightsFile), tensors.Select(t => (AdapterKeys.ToKey(t.Name), t.Type, t.Shape)));
    }

    internal static AdapterWriter New(string path, AdapterConfig config, IReadOnlyList<(string Name, TensorType Type, long[] Shape)> tensors, AdapterRecord? record)
    {
        var json = config.ToJson();
        var folder = AtomicFolder.Create(path);
        try
        {
            return new AdapterWriter(folder, folder.PartialPath, json, tensors, record);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    internal static AdapterWriter Into(string folder, AdapterConfig config, IReadOnlyList<(string Name, TensorType Type, long[] Shape)> tensors, AdapterRecord? record) =>
        new(null, folder, config.ToJson(), tensors, record);

    /// <summary>Writes the next bytes of a tensor.</summary>
    /// <param name="name">Its name in the adapted model, as it was declared.</param>
    /// <param name="bytes">Little-endian elements in row-major order, continuing where the last call for this tensor ended.</param>
    /// <exception cref="ArgumentException">The tensor was not declared, or it would become longer than declared.</exception>
    /// <exception cref="LowRankException">The disk is full or the file cannot be written.</exception>
    public void Write(string name, ReadOnlySpan<byte> bytes) => weights.Write(AdapterKeys.ToKey(name), bytes);

    /// <summary>Writes the next elements of an F32 tensor.</summary>
    /// <inheritdoc cref="Write(string, ReadOnlySpan{byte})"/>
    /// <param name="name">Its name in the adapted model, as it was declared.</param>
    /// <param name="elements">Elements in row-major order, continuing where the last call for this tensor ended.</param>
    public void Write(string name, ReadOnlySpan<float> elements) => Write(name, System.Runtime.InteropServices.MemoryMarshal.AsBytes(elements));

    /// <summary>Writes the configuration and the record, checks that every tensor is complete and gives everything its name.</summary>
    /// <exception cref="InvalidOperationException">A tensor has fewer bytes than declared.</exception>
    /// <exception cref="LowRankException">The disk is full or a file cannot be written.</exception>
    public void Commit()
    {
        weights.Commit();
        AtomicFile.WriteAllText(Path.Combine(place, AdapterConfig.FileName), config);
        if (record is not null) AtomicFile.WriteAllText(Path.Combine(place, AdapterRecord.FileName), record.ToJson());
        folder?.Commit();
    }

    /// <summary>Removes what was written where <see cref="Commit"/> was not reached.</summary>
    public void Dispose()
    {
        weights.Dispose();
        folder?.Dispose();
    }
}
