using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;

namespace LowRank.Models.Merging;

/// <summary>
/// Writes a model with an adapter merged into its weights, as a Hugging Face folder that needs no adapter any more. Tensors stream from the mapped base to the files one after
/// another: the memory does not grow with the model. The folder appears whole or not at all, and the disk's free space is checked first.
/// </summary>
public static class AdapterMerger
{
    /// <summary>Merges an adapter.</summary>
    /// <param name="model">The base: a Hugging Face folder or a GGUF file.</param>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <param name="options">Which weights to merge into, and the size of files; null for the defaults.</param>
    /// <param name="progress">Is told parameters done and parameters in all.</param>
    /// <param name="cancellation">Ends the merge; nothing is left.</param>
    /// <exception cref="LowRankException">Model or adapter are missing or damaged, do not fit each other or cannot be merged; the folder exists; there is too little space.</exception>
    public static MergeReport Merge(string model, string adapter, string folder, MergeOptions? options = null, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new MergeOptions();
        RequireApart(model, folder);
        Runtime.NativeRuntime.Load();
        using var source = MergedCheckpoint.Open(model, adapter, options.Base);
        using var target = AtomicFolder.Create(folder, source.Tensors.Sum(t => t.ByteLength));
        source.Opened.WriteFiles(target, config => Describe(config, source));
        var warnings = source.Plan.Warnings.ToList();
        var isTokenizerOfAdapter = AdapterTokenizer.TakeOver(adapter, target, source.Vocabulary, warnings);
        if (source.ChangedVocabulary is { } rows && !isTokenizerOfAdapter)
            warnings.Add($"The adapter has {rows} tokens, the base others, and {adapter} holds no tokenizer: the merged folder has the base's, which does not know the tokens that were added. Copy the files of the tokenizer that the adapter was trained with into it.");
        using var shards = new SafetensorsShards(target, source.Tensors.Select(t => (t.Name, t.Type, t.Shape)), options.ShardBytes);
        Write(source, shards, progress, cancellation);
        shards.Commit();
        target.Commit();
        return new MergeReport(source.Base, source.BaseReason, source.Quantization, source.ChangedTensors, source.Tensors.Sum(t => t.ByteLength), source.IsHeadSeparate, warnings)
        {
            Vocabulary = source.ChangedVocabulary,
            IsTokenizerOfAdapter = isTokenizerOfAdapter,
        };
    }

    // The disk takes one tensor while the next is computed.
    private static unsafe void Write(MergedCheckpoint source, SafetensorsShards shards, Action<long, long>? progress, CancellationToken cancellation)
    {
        var (writing, before) = (Task.CompletedTask, (TensorInfo?)null);
        long done = 0, all = source.Tensors.Sum(t => t.Elements);
        try
        {
            foreach (var t in source.Tensors)
            {
                cancellation.ThrowIfCancellationRequested();
                var values = (nint)source.Pointer(t);
                Written();
                writing = Task.Run(() => shards.Write(t.Name, (byte*)values, t.ByteLength), CancellationToken.None);
                before = t;
            }
            Written();
        }
        finally
        {
            // What is being written must stay until it is, whatever else happened.
            Task.WaitAny(writing);
        }

        void Written()
        {
            writing.GetAwaiter().GetResult();
            if (before is not { } t) return;
            source.DropPages(t);
            progress?.Invoke(done += t.Elements, all);
        }
    }

    private static void Describe(JsonObject config, MergedCheckpoint source)
    {
        config.Remove("quantization_config");
        if (source.IsHeadSeparate) config["tie_word_embeddings"] = false;
        if (source.ChangedVocabulary is { } rows) config["vocab_size"] = rows;
    }

    // The base is mapped while the result is written: they must not be one.
    private static void RequireApart(string model, string folder)
    {
        if (Directory.Exists(model) && Path.GetFullPath(model).TrimEnd(Path.DirectorySeparatorChar) == Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar))
            throw new LowRankException($"{folder} is the base model itself, which is in use while it is merged. Give another folder.");
    }
}
