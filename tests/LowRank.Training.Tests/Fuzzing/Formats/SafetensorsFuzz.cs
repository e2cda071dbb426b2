using System.Buffers.Binary;
using System.Text;
using LowRank.Formats;
using LowRank.Quantization;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>
/// safetensors files. Most headers are damaged before offsets are laid out, so that they stay true: odd names, shapes, dtypes, metadata and orders, and 4-bit weights whose parts do not fit.
/// Past the header when the file opens; then every tensor is read, and 4-bit weights as such.
/// </summary>
internal sealed class SafetensorsFuzz() : FuzzFormat("safetensors")
{
    private static readonly (string Name, int Bits)[] types = [("F32", 32), ("F32", 32), ("BF16", 16), ("F16", 16), ("U8", 8), ("I64", 64), ("F64", 64), ("BOOL", 8), ("I8", 8), ("F8_E4M3", 8)];
    private static readonly string[] names = ["\"a\"", "\"w.weight\"", "\"w.weight.absmax\"", "\"model.embed_tokens.weight\"", "\"\"", "\"é\"", "\"\\u0000\"", "\"x\\ud83d\\ude00\"", "\"base_model.model.q.lora_A.weight\"", "\" __metadata__\"", "\"b/../c\""];
    private static readonly long[] sizes = [0, 1, 1, 2, 3, 4, 4, 7, 16, 64];

    public override byte[] Make(FuzzRandom random)
    {
        var tensors = random.OneIn(3) ? FourBit(random) : [.. Enumerable.Range(0, random.Below(6)).Select(i => Tensor(random, i))];
        var (members, at) = (new List<(string, JsonSketch)>(), 0L);
        if (random.OneIn(2)) members.Add(("\"__metadata__\"", JsonSketch.Object(("\"format\"", JsonSketch.Scalar(random.OneIn(4) ? random.Pick(Edges.Texts) : "\"pt\"")))));
        var data = new List<byte>();
        foreach (var (name, type, shape, content) in tensors)
        {
            members.Add((name, JsonSketch.Object(("\"dtype\"", JsonSketch.Scalar($"\"{type}\"")), ("\"shape\"", JsonSketch.List(shape.Select(n => JsonSketch.Scalar($"{n}")))),
                ("\"data_offsets\"", JsonSketch.List(JsonSketch.Scalar($"{at}"), JsonSketch.Scalar($"{at + content.Length}"))))));
            data.AddRange(content);
            at += content.Length;
        }
        if (random.OneIn(4)) members = [.. members.OrderBy(_ => random.Bits())];
        if (random.OneIn(6)) members.ForEach(m => m.Item2.Members?.Reverse());
        var header = JsonSketch.Object(members);
        if (random.OneIn(5)) JsonMutator.Damage(header, random);
        var json = Encoding.UTF8.GetBytes(header.Write() + new string(' ', random.OneIn(2) ? random.Below(9) : 0));
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, random.OneIn(40) ? random.Pick(Edges.Integers) : (ulong)json.Length);
        byte[] file = [.. length, .. json, .. data];
        return random.OneIn(12) ? ByteMutator.Damage(file, random) : file;
    }

    public override void Read(FuzzInput input)
    {
        using var file = SafetensorsFile.Open(input.Write("model.safetensors"));
        input.PassHeader();
        foreach (var t in file.Tensors)
        {
            var bytes = file.Bytes(t);
            foreach (var b in bytes) _ = b;
            if (GgufDequantizer.Supports(t.Type)) GgufDequantizer.Dequantize(t.Type, bytes, new float[t.Elements]);
            FourBitCheckpoint.IsPart(file, t.Name);
            using var parts = FourBitCheckpoint.TryRead(file, t.Name);
        }
        CheckpointSummary.Of(input.Folder).ToJson();
    }

    private static (string Name, string Type, long[] Shape, byte[] Content) Tensor(FuzzRandom random, int number)
    {
        var (type, bits) = random.Pick(types);
        long[] shape = [.. Enumerable.Range(0, random.OneIn(30) ? 20 : random.Below(4)).Select(_ => random.Pick(sizes))];
        while (shape.Aggregate(1L, (product, n) => product * n) > 4096) shape = shape[1..];
        var content = new byte[shape.Aggregate(1L, (product, n) => product * n) * bits / 8];
        for (var i = 0; i < content.Length; i++) content[i] = (byte)random.Below(256);
        return (random.OneIn(3) ? random.Pick(names) : $"\"t{number}\"", type, shape, content);
    }

    // bitsandbytes' parts of a weight of 8 rows and 16 columns in blocks of 64, of which something is changed.
    private static (string Name, string Type, long[] Shape, byte[] Content)[] FourBit(FuzzRandom random)
    {
        var state = JsonSketch.Of(System.Text.Json.JsonElement.Parse("""{"quant_type":"nf4","blocksize":64,"dtype":"bfloat16","shape":[8,16]}"""));
        JsonMutator.Damage(state, random);
        var json = Encoding.UTF8.GetBytes(state.Write());
        if (random.OneIn(6)) json = ByteMutator.Damage(json, random);
        var table = new byte[64];
        FourBitCode.Nf4.Values.CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(table.AsSpan()));
        if (random.OneIn(4)) ByteMutator.Flip(table, random);
        List<(string, string, long[], byte[])> parts =
        [
            ("\"w.weight\"", "U8", [64, 1], new byte[64]), ("\"w.weight.absmax\"", "F32", [2], new byte[8]), ("\"w.weight.quant_map\"", "F32", [16], table),
            ("\"w.weight.quant_state.bitsandbytes__nf4\"", "U8", [json.Length], json),
        ];
        if (random.OneIn(5)) parts.RemoveAt(random.Below(parts.Count));
        if (random.OneIn(5)) parts.Add(Tensor(random, 0));
        return [.. parts];
    }
}
