using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Families;
using LowRank.Quantization;

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
    /// <param name="options">Code, block size, double quantization.</param>
    /// <param name="skip">Beginnings or endings of names of modules that keep their form; null for none but the head.</param>
    /// <param name="progress">Is told parameters done and parameters in all.</param>
    /// <param name="cancellation">Ends the conversion; nothing is left.</param>
    /// <exception cref="LowRankException">The checkpoint is damaged, of an unknown kind, in 4 bits already, or has a NaN or infinite weight; the folder exists, or there is too little space.</exception>
    public static unsafe void Quantize(string model, string folder, FourBitOptions options, IReadOnlyList<string>? skip = null, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        using var opened = OpenedCheckpoint.Open(model);
        if (QuantizationConfig.IsFourBit(opened.Config)) throw new LowRankException($"{model} is in 4 bits already. Convert it to plain weights first: --to hf.");
        var spec = ModelFamilies.Of(opened.Config).Read(opened.Config);
        var matrices = Enumerable.Range(0, spec.Layers).SelectMany(spec.Names.MatricesOf).Where(m => !QuantizationConfig.IsSkipped(m, skip ?? [])).Select(m => $"{m}.weight").ToHashSet(StringComparer.Ordinal);
        var source = opened.Tensors;
        long done = 0, all = 2 * source.Tensors.Sum(t => t.Elements);

        // A file begins with the size of everything in it, and the text of a state depends on the mean of its scales: so each matrix is quantized twice, rather
        // than all of them kept in memory. It takes about a second for 10^9 weights.
        var declared = new List<(string, TensorType, long[])>();
        foreach (var t in source.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!matrices.Contains(t.Name)) declared.Add((t.Name, t.Type, t.Shape));
            else
            {
                using var parts = FourBitQuantizer.Quantize(source.Pointer(t), t.Type, t.Shape[0], t.Shape[1], options, t.Name);
                source.DropPages(t);
                foreach (var part in FourBitCheckpoint.TensorsOf(parts, t.Name)) declared.Add((part.Name, part.Type, part.Shape));
            }
            progress?.Invoke(done += t.Elements, all);
        }

        using var target = AtomicFolder.Create(folder, declared.Sum(d => d.Item3.Aggregate((long)d.Item2.ElementSize(), (a, b) => a * b)));
        var type = source.Tensors.First(t => matrices.Contains(t.Name)).Type;
        opened.WriteFiles(target, config => config["quantization_config"] = QuantizationConfig.Of(options, skip ?? [], Torch(type)));
        using var writer = SafetensorsWriter.Create(target.At(SafetensorsFolder.SingleFile), declared);
        foreach (var t in source.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!matrices.Contains(t.Name)) writer.Write(t.Name, source.Pointer(t), t.ByteLength);
            else
            {
                using var parts = FourBitQuantizer.Quantize(source.Pointer(t), t.Type, t.Shape[0], t.Shape[1], options, t.Name);
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
        var states = source.Tensors.Where(t => t.Name.Contains(".quant_state.", StringComparison.Ordinal)).Select(t => t.Name[..t.Name.IndexOf(".quant_state.", StringComparison.Ordinal)]).ToHashSet(StringComparer.Ordinal);
        var plain = source.Tensors.Where(t => states.Contains(t.Name) || !states.Any(s => t.Name.StartsWith(s + '.', StringComparison.Ordinal))).ToList();
        var declared = plain.Select(t =>
        {
            if (!states.Contains(t.Name)) return (t.Name, t.Type, t.Shape);
            using var parts = FourBitCheckpoint.TryRead(source, t.Name)!;
            return (t.Name, parts.SourceType, Shape: new[] { parts.OutFeatures, parts.InFeatures });
        }).ToList();
        long done = 0, all = declared.Sum(d => d.Shape.Aggregate(1L, (a, b) => a * b));

        using var target = AtomicFolder.Create(folder, declared.Sum(d => d.Shape.Aggregate((long)d.Item2.ElementSize(), (a, b) => a * b)));
        opened.WriteFiles(target, config => config.Remove("quantization_config"));
        using var writer = SafetensorsWriter.Create(target.At(SafetensorsFolder.SingleFile), declared);
        foreach (var (t, (_, type, shape)) in plain.Zip(declared))
        {
            cancellation.ThrowIfCancellationRequested();
            if (!states.Contains(t.Name)) writer.Write(t.Name, source.Pointer(t), t.ByteLength);
            else Dequantize(source, t.Name, type, writer);
            source.DropPages(t);
            progress?.Invoke(done += shape.Aggregate(1L, (a, b) => a * b), all);
        }
        writer.Commit();
        target.Commit();
    }

    private static unsafe void Dequantize(ITensorSource source, string name, TensorType type, SafetensorsWriter writer)
    {
        using var weight = FourBitWeight.FromParts(FourBitCheckpoint.TryRead(source, name)!);
        var bytes = (nuint)(weight.OutFeatures * weight.InFeatures * type.ElementSize());
        var memory = (byte*)NativeMemory.AlignedAlloc(bytes, 64);
        try
        {
            weight.Dequantize(0, weight.OutFeatures * weight.InFeatures, type, memory);
            writer.Write(name, memory, (long)bytes);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private static string Torch(TensorType type) => type switch { TensorType.BF16 => "bfloat16", TensorType.F16 => "float16", _ => "float32" };

    // A checkpoint of either kind behind one face: its tensors under Hugging Face's names, its configuration, and the small files beside them.
    private sealed record OpenedCheckpoint(ITensorSource Tensors, ModelConfig Config, string Path) : IDisposable
    {
        public static OpenedCheckpoint Open(string path)
        {
            if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            {
                var file = GgufCheckpoint.Open(path);
                return new OpenedCheckpoint(file, new ModelConfig(file.Config, path), path);
            }
            var config = ModelConfig.Load(System.IO.Path.Combine(path, "config.json"));
            return new OpenedCheckpoint(SafetensorsFolder.Open(path), config, path);
        }

        public void WriteFiles(AtomicFolder target, Action<JsonObject> change)
        {
            new ModelFiles(Path).WriteInto(target);
            var config = Config.Json.DeepClone().AsObject();
            change(config);
            target.Write("config.json", GgufConverter.Json(config));
        }

        public void Dispose() => Tensors.Dispose();
    }
}
