using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Checkpoints;

/// <summary>
/// Writes a GGUF model as a Hugging Face folder that transformers loads: <c>config.json</c>, <c>generation_config.json</c>, <c>model.safetensors</c> in
/// bf16, tokenizer and chat template. The weights stream through one buffer, and the pages of the file are dropped behind it, so the memory does not
/// grow with the model. The folder appears whole or not at all.
/// </summary>
public static unsafe class GgufConverter
{
    private const long BufferElements = 8 << 20;

    // As transformers writes its configuration files; templates and tokens hold characters that need no escape in a file.
    private static readonly JsonSerializerOptions indented = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Converts a file.</summary>
    /// <param name="path">The GGUF file.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <param name="progress">Is told parameters done and parameters in all, after each piece.</param>
    /// <param name="cancellation">Ends the conversion; nothing is left.</param>
    /// <exception cref="GgufException">The file is damaged, or its architecture or a tensor's type is not supported.</exception>
    /// <exception cref="UnsupportedTokenizerFeatureException">The file's tokenizer is of a kind that is not known.</exception>
    /// <exception cref="LowRankException">The folder exists, there is too little space, or it cannot be written.</exception>
    public static void Convert(string path, string folder, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        using var source = GgufCheckpoint.Open(path);
        using var target = AtomicFolder.Create(folder, source.Tensors.Sum(t => t.ByteLength));
        WriteFiles(source, target);
        WriteWeights(source, target.At(SafetensorsFolder.SingleFile), progress, cancellation);
        target.Commit();
    }

    /// <summary>Writes what stands beside the weights: configuration, tokenizer, chat template.</summary>
    internal static void WriteFiles(GgufCheckpoint source, AtomicFolder target)
    {
        target.Write("config.json", Json(source.Config));
        target.Write("generation_config.json", Json(source.GenerationConfig));
        GgufTokenizerFiles.Write(source.File, target);
    }

    private static void WriteWeights(GgufCheckpoint source, string path, Action<long, long>? progress, CancellationToken cancellation)
    {
        using var writer = SafetensorsWriter.Create(path, source.Tensors.Select(t => (t.Name, t.Type, t.Shape)));
        long done = 0, all = source.Tensors.Sum(t => t.Elements);
        var widest = source.Tensors.Count == 0 ? 0 : source.Tensors.Max(Columns);
        var buffer = (ushort*)NativeMemory.AlignedAlloc((nuint)(Math.Max(BufferElements, widest) * sizeof(ushort)), 64);
        try
        {
            foreach (var t in source.Tensors)
            {
                long rows = t.Shape.Length == 0 ? 1 : t.Shape[0], columns = Columns(t), piece = Math.Max(1, BufferElements / Math.Max(columns, 1));
                for (long row = 0; row < rows; row += piece)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var count = Math.Min(piece, rows - row);
                    source.ConvertRows(t, row, count, buffer);
                    writer.Write(t.Name, (byte*)buffer, count * columns * sizeof(ushort));
                    source.DropSourceRows(t, row, count);
                    progress?.Invoke(done += count * columns, all);
                }
            }
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
        writer.Commit();
    }

    private static long Columns(TensorInfo t) => t.Shape.Length == 0 ? 1 : t.Shape[0] == 0 ? 0 : t.Elements / t.Shape[0];

    internal static byte[] Json(JsonObject value) => System.Text.Encoding.UTF8.GetBytes(value.ToJsonString(indented) + "\n");
}
