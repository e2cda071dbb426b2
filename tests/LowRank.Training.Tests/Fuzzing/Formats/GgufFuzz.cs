using System.Buffers.Binary;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Families;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Tests.Formats;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>
/// GGUF files of a tiny model with its tokenizer. Metadata and tensors are damaged before they are written, so that counts, lengths and offsets stay true. Past the header when the file
/// opens; then the model's configuration, every tensor, the tokenizer and the template are read.
/// </summary>
internal sealed class GgufFuzz() : FuzzFormat("gguf")
{
    private static readonly string[] architectures = ["llama", "llama", "llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "gpt2", "granite", "olmo2", "phi3", "qwen3moe", "smollm3", "stablelm", "starcoder2", "nonesuch", ""];
    private static readonly string[] tokens = ["<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "▁", "a", "b", "ab", "▁a", "▁ab", "Ġ", "é", ""];
    private static readonly float[] odd = [0, 1, -1, 1e-5f, 10000, float.NaN, float.PositiveInfinity, float.MaxValue, float.Epsilon];
    private static readonly uint[] types = [0, 0, 0, 1, 30, 2, 6, 8, 12, 14, 3, 39, 99];

    public override byte[] Make(FuzzRandom random)
    {
        var name = random.Pick(architectures);
        // Room for all tensors; now and then too little.
        var data = new byte[random.OneIn(20) ? random.Below(4096) : 1 << 16];
        ByteMutator.Flip(data, random);
        var builder = new GgufBuilder { Data = data, TensorCount = Lie(random, 100), PairCount = Lie(random, 100), Version = random.OneIn(60) ? (uint)random.Pick(Edges.Integers) : 3 };
        builder.Pair("general.architecture", name);
        if (random.OneIn(40)) builder.Pair("general.alignment", (uint)random.Pick(Edges.Integers));
        Number(builder, random, $"{name}.embedding_length", 8);
        Number(builder, random, $"{name}.feed_forward_length", 16);
        Number(builder, random, $"{name}.block_count", 1);
        Number(builder, random, $"{name}.attention.head_count", 2);
        Number(builder, random, $"{name}.attention.head_count_kv", 1, optional: true);
        Number(builder, random, $"{name}.context_length", 64);
        Number(builder, random, $"{name}.rope.dimension_count", 4, optional: true);
        Number(builder, random, $"{name}.attention.sliding_window", 16, optional: true);
        Number(builder, random, $"{name}.expert_count", 2, optional: true);
        Number(builder, random, $"{name}.expert_used_count", 1, optional: true);
        Number(builder, random, $"{name}.attention.key_length", 4, optional: true);
        Fraction(builder, random, $"{name}.attention.layer_norm_rms_epsilon", 1e-5f);
        Fraction(builder, random, $"{name}.attention.layer_norm_epsilon", 1e-5f);
        Fraction(builder, random, $"{name}.rope.freq_base", 10000);
        if (random.OneIn(4)) Fraction(builder, random, $"{name}.rope.scaling.factor", 4);
        if (random.OneIn(4)) builder.Pair($"{name}.rope.scaling.type", random.OneIn(3) ? "x" : "linear");
        Vocabulary(builder, random);
        Tensors(builder, random);
        var file = builder.Build();
        return random.OneIn(16) ? ByteMutator.Damage(file, random) : file;
    }

    public override void Read(FuzzInput input)
    {
        var path = input.Write("model.gguf");
        using (var file = GgufFile.Open(path))
        {
            input.PassHeader();
            ReadText(file);
            foreach (var t in file.Tensors)
                if (t.Elements <= 1 << 20 && GgufDequantizer.Supports(t.Type)) GgufDequantizer.Dequantize(t.Type, file.Bytes(t), new float[t.Elements]);
        }
        CheckpointSummary.Of(path).ToJson();
        using var opened = OpenedCheckpoint.Open(path);
        foreach (var t in opened.Tensors.Tensors) _ = opened.Tensors.Bytes(t);
        ModelFamilies.Of(opened.Config).Read(opened.Config);
    }

    private static void ReadText(GgufFile file)
    {
        try
        {
            var tokenizer = Tokenizer.FromJson(GgufTokenizer.ToTokenizerJson(file.Metadata), "model.gguf");
            tokenizer.Decode(tokenizer.Encode("ab é a", addSpecialTokens: true));
            if (GgufTokenizer.ToConfig(file.Metadata).ChatTemplate is { } template) _ = new ChatTemplate(template);
        }
        catch (LowRankException error)
        {
            // The weights are read all the same.
            Assert.NotEmpty(error.Message);
        }
    }

    private static void Vocabulary(GgufBuilder builder, FuzzRandom random)
    {
        if (random.OneIn(6)) return;
        var isBytes = random.OneIn(3);
        builder.Pair("tokenizer.ggml.model", random.OneIn(12) ? "bert" : isBytes ? "gpt2" : "llama");
        if (isBytes) builder.Pair("tokenizer.ggml.pre", random.OneIn(6) ? "x" : "qwen2");
        var count = random.OneIn(5) ? random.Between(0, tokens.Length) : tokens.Length - 1;
        Texts(builder, "tokenizer.ggml.tokens", Enumerable.Range(0, count).Select(i => random.OneIn(20) ? random.Pick(tokens) : tokens[i]));
        var lengths = random.OneIn(6) ? random.Below(20) : count;
        builder.Pair("tokenizer.ggml.scores", 9, w =>
        {
            w.Write(6u);
            w.Write((long)lengths);
            for (var i = 0; i < lengths; i++) w.Write(random.OneIn(10) ? random.Pick(odd) : -i);
        });
        builder.Pair("tokenizer.ggml.token_type", 9, w =>
        {
            w.Write(5u);
            w.Write((long)count);
            for (var i = 0; i < count; i++) w.Write(random.OneIn(10) ? random.Between(-1, 9) : i == 0 ? 2 : i < 3 ? 3 : i < 5 ? 6 : 1);
        });
        if (isBytes) Texts(builder, "tokenizer.ggml.merges", random.OneIn(4) ? ["a", "a b c", "x y", ""] : ["a b"]);
        Number(builder, random, "tokenizer.ggml.bos_token_id", 1, optional: true);
        Number(builder, random, "tokenizer.ggml.eos_token_id", 2, optional: true);
        if (random.OneIn(3)) builder.Pair("tokenizer.chat_template", random.OneIn(4) ? "{% x" : "{{ messages }}");
    }

    private static void Tensors(GgufBuilder builder, FuzzRandom random)
    {
        var offset = 0UL;
        (string Name, ulong[] Shape)[] tensors =
        [
            ("token_embd.weight", [8, 13]), ("output_norm.weight", [8]), ("blk.0.attn_norm.weight", [8]), ("blk.0.attn_q.weight", [8, 8]), ("blk.0.attn_k.weight", [8, 4]), ("blk.0.attn_v.weight", [8, 4]),
            ("blk.0.attn_output.weight", [8, 8]), ("blk.0.ffn_gate.weight", [8, 16]), ("blk.0.ffn_up.weight", [8, 16]), ("blk.0.ffn_down.weight", [16, 8]), ("blk.0.ffn_norm.weight", [8]),
            ("blk.0.ffn_gate_exps.weight", [8, 4, 2]), ("blk.0.attn_qkv.weight", [8, 16]), ("rope_freqs.weight", [2]), ("blk.0.ffn_gate_inp.weight", [8, 2]), ("x", [4]),
        ];
        // A whole model of llama's form, or some of it, or more than belongs to it. Of many tensors each is rarely damaged, or most files would be refused for one.
        var count = random.OneIn(3) ? random.Between(0, tensors.Length) : 11;
        for (var i = 0; i < count; i++)
        {
            var (name, shape) = i > 0 && random.OneIn(150) ? random.Pick(tensors) : tensors[i];
            var type = random.OneIn(16) ? random.Pick(types) : 0;
            if (random.OneIn(120)) shape = [.. shape.Select(n => random.OneIn(2) ? random.Pick(Edges.Integers) : n)];
            else if (random.OneIn(60)) shape = [.. shape, 1];
            else if (type > 1) shape = [type is 12 or 14 ? 256UL : 32, .. shape[1..].Select(n => Math.Min(n, 4))];
            builder.Tensor(random.OneIn(100) ? "blk.9999999999.attn_q.weight" : name, type, random.OneIn(200) ? random.Pick(Edges.Integers) : offset, shape);
            // A little more than the widest of them takes.
            offset += 64 + 32 * ((shape.Aggregate(1UL, (product, n) => Math.Min(product * Math.Min(n, 512), 512)) * 4 + 31) / 32);
        }
    }

    private static void Number(GgufBuilder builder, FuzzRandom random, string key, uint sound, bool optional = false)
    {
        if (optional ? random.OneIn(2) : random.OneIn(60)) return;
        switch (random.Below(60))
        {
            case 0: builder.Pair(key, (uint)random.Pick(Edges.Integers)); break;
            case 1: builder.Pair(key, 10, w => w.Write(random.Pick(Edges.Integers))); break;
            case 2: builder.Pair(key, 11, w => w.Write((long)random.Pick(Edges.Integers))); break;
            case 3: builder.Pair(key, 6, w => w.Write(random.Pick(odd))); break;
            case 4: builder.Pair(key, "text"); break;
            case 5: builder.Pair(key, 7, w => w.Write(true)); break;
            case 6: builder.Pair(key, 9, w => Values(w, 5, random.Below(4), (v, i) => v.Write(i))); break;
            case 7: builder.Pair(key, 9, w => Values(w, 4, 3, (v, _) => v.Write(sound))); break;
            case 8: builder.Pair(key, 9, w => Values(w, 9, 2, (v, _) => Values(v, 4, 1, (x, _) => x.Write(sound)))); break;
            default: builder.Pair(key, sound); break;
        }
    }

    private static void Fraction(GgufBuilder builder, FuzzRandom random, string key, float sound)
    {
        if (random.OneIn(30)) builder.Pair(key, random.OneIn(2) ? "text" : "1e-5");
        else builder.Pair(key, 6, w => w.Write(random.OneIn(12) ? random.Pick(odd) : sound));
    }

    private static void Texts(GgufBuilder builder, string key, IEnumerable<string> texts)
    {
        var all = texts.ToArray();
        builder.Pair(key, 9, w => Values(w, 8, all.Length, (v, i) => GgufBuilder.Text(v, all[i])));
    }

    private static void Values(BinaryWriter writer, uint type, int count, Action<BinaryWriter, int> write)
    {
        writer.Write(type);
        writer.Write((long)count);
        for (var i = 0; i < count; i++) write(writer, i);
    }

    private static long? Lie(FuzzRandom random, int times) => random.OneIn(times) ? (long)random.Pick(Edges.Integers) : null;
}
