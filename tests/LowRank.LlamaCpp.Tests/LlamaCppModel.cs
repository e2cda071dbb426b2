using System.Diagnostics;
using LLama;
using LLama.Common;
using LLama.Native;

namespace LowRank.LlamaCpp.Tests;

/// <summary>A GGUF file in llama.cpp, on the processor, with keys and values of the cache in single precision.</summary>
internal sealed class LlamaCppModel : IDisposable
{
    private static readonly Lock once = new();
    private static readonly List<string> log = [];
    private static bool configured;

    private readonly LLamaWeights weights;
    private readonly LLamaContext context;

    private LlamaCppModel(LLamaWeights weights, LLamaContext context) => (this.weights, this.context) = (weights, context);

    public int VocabularySize => weights.NativeHandle.Vocab.Count;

    public static LlamaCppModel Load(string path, uint positions = 512, int threads = 1)
    {
        Configure();
        var parameters = Parameters(path, positions, threads);
        LLamaWeights? weights = null;
        try
        {
            weights = LLamaWeights.LoadFromFile(parameters);
            return new LlamaCppModel(weights, weights.CreateContext(parameters));
        }
        catch (Exception e) when (e is LLama.Exceptions.LoadWeightsFailedException or LLama.Exceptions.RuntimeError)
        {
            weights?.Dispose();
            lock (once) throw new InvalidDataException($"llama.cpp does not load {path}: {string.Concat(log.TakeLast(12))}", e);
        }
    }

    /// <summary>Gives what llama.cpp makes of a text with the vocabulary of a file, until it is disposed; the weights are not loaded.</summary>
    public static IDisposable Tokenizer(string path, bool special, out Func<string, int[]> read)
    {
        Configure();
        var parameters = Parameters(path, 512);
        parameters.VocabOnly = true;
        var weights = LLamaWeights.LoadFromFile(parameters);
        read = text => [.. weights.NativeHandle.Tokenize(text, addBos: false, special, System.Text.Encoding.UTF8).Select(t => (int)t)];
        return weights;
    }

    /// <summary>Applies an adapter file to what follows; null takes it off.</summary>
    public void Use(string? adapter, float scale = 1)
    {
        var one = adapter is null ? [] : new (LoraAdapter, float)[] { (weights.NativeHandle.LoadLoraFromFile(adapter), scale) };
        context.NativeHandle.SetLoraAdapters(one);
    }

    /// <summary>Logits of every position, `[positions, vocabulary]`, of a text by itself.</summary>
    public float[] Logits(ReadOnlySpan<int> ids)
    {
        context.NativeHandle.MemoryClear();
        var batch = new LLamaBatch();
        for (var i = 0; i < ids.Length; i++) batch.Add(ids[i], i, LLamaSeqId.Zero, true);
        Assert.Equal(DecodeResult.Ok, context.NativeHandle.Decode(batch));
        var (size, logits) = (VocabularySize, new float[(long)ids.Length * VocabularySize]);
        for (var i = 0; i < ids.Length; i++) context.NativeHandle.GetLogitsIth(i).CopyTo(logits.AsSpan(i * size, size));
        return logits;
    }

    /// <summary>Continues a prompt by the most likely token each time, through the cache; gives the tokens and their log-probabilities.</summary>
    public (int[] Ids, double[] LogProbabilities) Greedy(ReadOnlySpan<int> prompt, int count)
    {
        context.NativeHandle.MemoryClear();
        var batch = new LLamaBatch();
        for (var i = 0; i < prompt.Length; i++) batch.Add(prompt[i], i, LLamaSeqId.Zero, i == prompt.Length - 1);
        var (ids, chances) = (new int[count], new double[count]);
        for (var n = 0; n < count; n++)
        {
            Assert.Equal(DecodeResult.Ok, context.NativeHandle.Decode(batch));
            var logits = context.NativeHandle.GetLogitsIth(batch.TokenCount - 1);
            ids[n] = System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);
            var sum = 0.0;
            foreach (var l in logits) sum += Math.Exp(l - logits[ids[n]]);
            chances[n] = -Math.Log(sum);
            batch.Clear();
            batch.Add(ids[n], prompt.Length + n, LLamaSeqId.Zero, true);
        }
        return (ids, chances);
    }

    /// <summary>Tokens a second of a prompt and of the tokens after it: the median of three prompts, and the median of the tokens after the last one.</summary>
    public (double Prompt, double Token) Speed(int length, int tokens)
    {
        var (batch, prompts, after) = (new LLamaBatch(), new List<double>(), new List<double>());
        for (var n = 0; n < 3; n++)
        {
            context.NativeHandle.MemoryClear();
            batch.Clear();
            for (var i = 0; i < length; i++) batch.Add(1000 + i, i, LLamaSeqId.Zero, i == length - 1);
            prompts.Add(Timed());
        }
        for (var n = 0; n < tokens; n++)
        {
            batch.Clear();
            batch.Add(1000 + n, length + n, LLamaSeqId.Zero, true);
            after.Add(Timed());
        }
        prompts.Sort();
        after.Sort();
        return (length / prompts[1], 1 / after[tokens / 2]);

        double Timed()
        {
            var start = Stopwatch.GetTimestamp();
            Assert.Equal(DecodeResult.Ok, context.NativeHandle.Decode(batch));
            context.NativeHandle.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    public void Dispose()
    {
        context.Dispose();
        weights.Dispose();
    }

    private static ModelParams Parameters(string path, uint positions, int threads = 1) => new(path)
    {
        ContextSize = positions,
        BatchSize = positions,
        UBatchSize = positions,
        GpuLayerCount = 0,
        Threads = threads,
        BatchThreads = threads,
        TypeK = GGMLType.GGML_TYPE_F32,
        TypeV = GGMLType.GGML_TYPE_F32,
        FlashAttention = false,
    };

    private static void Configure()
    {
        lock (once)
        {
            if (configured) return;
            configured = true;
            NativeLibraryConfig.All.WithLogCallback((level, message) =>
            {
                lock (once)
                    if (level is LLamaLogLevel.Warning or LLamaLogLevel.Error or LLamaLogLevel.Continue) log.Add(message);
            });
        }
    }
}
