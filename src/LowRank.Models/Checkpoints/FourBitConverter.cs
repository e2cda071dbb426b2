using LowRank.Formats;
using LowRank.Models.Decoder;
using LowRank.Models.Families;
using LowRank.Quantization;
using LowRank.Runtime.Memory;

namespace LowRank.Models.Checkpoints;

/// <summary>
/// Writes a checkpoint with its layers' matrices in 4 bits, in the form of bitsandbytes that transformers and vLLM load, and such a checkpoint back with plain
/// weights. Tensors stream one by one: the memory does not grow with the model. The folder appears whole or not at all.
/// </summary>
public static class FourBitConverter
{
    /// <summary>Quantizes a checkpoint.</summary>
    /// <param name="model">A Hugging Face folder or a GGUF file.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <param name="options">Code, block size, double quantization, modules that keep their form.</param>
    /// <param name="progress">Is told parameters done and parameters in all.</param>
    /// <param name="cancellation">Ends the conversion; nothing is left.</param>
    /// <exception cref="LowRankException">The checkpoint is damaged, of an unknown kind, in 4 bits already, or has a NaN or infinite weight; the folder exists, or there is too little space.</exception>
    public static unsafe void Quantize(string model, string folder, FourBitOptions options, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        using var opened = OpenedCheckpoint.Open(model);
        if (QuantizationConfig.IsFourBit(opened.Config)) throw new LowRankException($"{model} is in 4 bits already. Convert it to plain weights first: --to hf.");
        var spec = ModelFamilies.Of(opened.Config).Read(opened.Config);
        var matrices = spec.Matrices().Where(m => !options.Skips(m)).Select(m => $"{m}.weight").ToHashSet(StringComparer.Ordinal);
        var source = opened.Tensors;
        if (source.Tensors.FirstOrDefault(t => matrices.Contains(t.Name)) is not { } first) throw new LowRankException($"{model} has no matrix to quantize: all are kept by --quant-skip, or the checkpoint lacks them.");
        long done = 0, all = 2 * source.Tensors.Sum(t => t.Elements);

        // A file begins with the size of everything in it, and the text of a state depends on the mean of its scales: so each matrix is quantized twice, rather
        // than all of them kept in memory. It takes about a second for 10^9 weights.
        var declared = new List<(string Name, TensorType Type, long[] Shape)>();
        foreach (var t in source.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!matrices.Contains(t.Name)) declared.Add((t.Name, t.Type, t.Shape));
            else
            {
                using var parts = Quantized(source, t, options, spec.TransposedWeights);
                source.DropPages(t);
                foreach (var part in FourBitCheckpoint.TensorsOf(parts, t.Name)) declared.Add((part.Name, part.Type, part.Shape));
            }
            progress?.Invoke(done += t.Elements, all);
        }

        using var target = AtomicFolder.Create(folder, declared.Sum(d => Elements(d.Shape) * d.Type.ElementSize()));
        opened.WriteFiles(target, config => config["quantization_config"] = QuantizationConfig.Of(options, Torch(first.Type)));
        using var writer = SafetensorsWriter.Create(target.At(SafetensorsFolder.SingleFile), declared);
        foreach (var t in source.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!matrices.Contains(t.Name)) writer.Write(t.Name, source.Pointer(t), t.ByteLength);
            else
            {
                using var parts = Quantized(source, t, options, spec.TransposedWeights);
                foreach (var part in FourBitCheckpoint.TensorsOf(parts, t.Name)) part.WriteTo(writer);
            }
            source.DropPages(t);
            progress?.Invoke(done += t.Elements, all);
        }
        writer.Commit();
        target.Commit();
    }

    /// <summary>Writes a 4-bit checkpoint with plain weights in the type that they had before quantizing. What quantizing lost stays lost.</summary>
    /// <param name="model">A Hugging Face folder.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <param name="progress">Is told parameters done and parameters in all.</param>
    /// <param name="cancellation">Ends the conversion; nothing is left.</param>
    /// <exception cref="LowRankException">The checkpoint is damaged or not in 4 bits; the folder exists, or there is too little space.</exception>
    public static unsafe void Dequantize(string model, string folder, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        using var opened = OpenedCheckpoint.Open(model);
        if (!QuantizationConfig.IsFourBit(opened.Config)) throw new LowRankException($"{model} is not in 4 bits: its weights are plain already.");
        var source = opened.Tensors;
        var isTransposed = ModelFamilies.Knows(opened.Config.ModelType) && ModelFamilies.Of(opened.Config).Read(opened.Config).TransposedWeights;
        var plain = source.Tensors.Where(t => !FourBitCheckpoint.IsPart(source, t.Name)).Select(t => (Stored: t, State: FourBitCheckpoint.TryReadState(source, t.Name))).ToList();
        var declared = plain.Select(p => p.State is { } s ? (p.Stored.Name, Type: s.SourceType, Shape: isTransposed ? [s.InFeatures, s.OutFeatures] : new[] { s.OutFeatures, s.InFeatures }) : (p.Stored.Name, p.Stored.Type, p.Stored.Shape)).ToList();
        long done = 0, all = declared.Sum(d => Elements(d.Shape));

        using var target = AtomicFolder.Create(folder, declared.Sum(d => Elements(d.Shape) * d.Type.ElementSize()));
        opened.WriteFiles(target, config => config.Remove("quantization_config"));
        using var writer = SafetensorsWriter.Create(target.At(SafetensorsFolder.SingleFile), declared);
        foreach (var (t, state) in plain)
        {
            cancellation.ThrowIfCancellationRequested();
            if (state is null) writer.Write(t.Name, source.Pointer(t), t.ByteLength);
            else Dequantize(source, t.Name, state.SourceType, isTransposed, writer);
            source.DropPages(t);
            progress?.Invoke(done += state is null ? t.Elements : state.OutFeatures * state.InFeatures, all);
        }
        writer.Commit();
        target.Commit();
    }

    private static unsafe void Dequantize(ITensorSource source, string name, TensorType type, bool isTransposed, SafetensorsWriter writer)
    {
        using var weight = FourBitWeight.FromParts(FourBitCheckpoint.TryRead(source, name)!);
        var elements = weight.OutFeatures * weight.InFeatures;
        using var values = new NativeBuffer(elements * type.ElementSize());
        weight.Dequantize(0, elements, type, values.Pointer);
        if (!isTransposed)
        {
            writer.Write(name, values.Pointer, values.Length);
            return;
        }
        using var turned = new NativeBuffer(values.Length);
        MatrixTranspose.Run((byte*)values.Pointer, weight.OutFeatures, weight.InFeatures, type.ElementSize(), (byte*)turned.Pointer);
        writer.Write(name, turned.Pointer, turned.Length);
    }

    // In 4 bits a matrix is [out, in], also where the plain checkpoint has it the other way round.
    private static unsafe FourBitParts Quantized(ITensorSource source, TensorInfo matrix, FourBitOptions options, bool isTransposed)
    {
        if (matrix.Shape is not [var rows, var columns]) throw new LowRankException($"{matrix.File}: tensor '{matrix.Name}' has the shape {matrix.ShapeText}; a matrix is needed.");
        if (!isTransposed) return FourBitQuantizer.Quantize(source.Pointer(matrix), matrix.Type, rows, columns, options, matrix.Name);
        using var turned = new NativeBuffer(matrix.ByteLength);
        MatrixTranspose.Run(source.Pointer(matrix), rows, columns, matrix.Type.ElementSize(), (byte*)turned.Pointer);
        return FourBitQuantizer.Quantize((byte*)turned.Pointer, matrix.Type, columns, rows, options, matrix.Name);
    }

    private static long Elements(long[] shape) => shape.Aggregate(1L, (a, b) => a * b);

    private static string Torch(TensorType type) => type switch { TensorType.BF16 => "bfloat16", TensorType.F16 => "float16", _ => "float32" };
}
