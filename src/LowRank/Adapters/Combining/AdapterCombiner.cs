using System.Runtime.InteropServices;
using LowRank.Adapters.Combining;
using LowRank.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// Makes one LoRA adapter of several, folder to folder, without the base model: PEFT 0.21's <c>add_weighted_adapter</c> (<c>tuners/lora/model.py</c>). One module is in memory at
/// a time, and the folder appears whole or not at all. The new adapter has alpha = rank, so its update is B A itself, whatever scaling the adapters had.
/// </summary>
/// <remarks>
/// It differs from PEFT where that loses something: an rsLoRA adapter that comes first does not scale the result (PEFT multiplies it by √rank), one adapter alone is combined by the method that is
/// asked for (PEFT takes linear), and modules may have ranks of their own.
/// </remarks>
internal static class AdapterCombiner
{
    /// <summary>Combines adapters.</summary>
    /// <param name="adapters">The adapters with their weights, at least one.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <param name="options">The method and its settings; null for the defaults.</param>
    /// <param name="progress">Is told modules done and modules in all.</param>
    /// <param name="cancellation">Ends the work; nothing is left.</param>
    /// <exception cref="LoraConfigException">Settings are wrong, or adapters are missing, damaged or cannot be combined; all that is found is listed.</exception>
    /// <exception cref="LowRankException">The folder exists and is not empty, or there is too little disk space.</exception>
    public static CombineReport Combine(IReadOnlyList<WeightedAdapter> adapters, string folder, CombineOptions? options = null, Action<long, long>? progress = null, CancellationToken cancellation = default) =>
        Combine(adapters, folder, options ?? new CombineOptions(), SeededMasks.Of(options?.Seed ?? 0), progress, cancellation);

    internal static CombineReport Combine(IReadOnlyList<WeightedAdapter> adapters, string folder, CombineOptions options, PruningMask mask, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(adapters.Count, nameof(adapters));
        Runtime.NativeRuntime.Load();
        var sources = new List<CombineSource>();
        var problems = adapters.GroupBy(a => a.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => $"{g.Count()} adapters have the name {g.Key}; give each its own").ToList();
        try
        {
            foreach (var adapter in adapters) Open(adapter, sources, problems);
            var plan = new CombinePlan(sources, options, problems);
            return Write(plan, folder, mask, progress, cancellation);
        }
        finally
        {
            foreach (var source in sources) source.Folder.Dispose();
        }
    }

    private static void Open(WeightedAdapter adapter, List<CombineSource> sources, List<string> problems)
    {
        AdapterFolder? opened = null;
        try
        {
            opened = AdapterFolder.Open(adapter.Folder);
            if (opened.Config is LoraConfig config)
            {
                sources.Add(new CombineSource(adapter, opened, config));
                opened = null;
            }
            else problems.Add($"{adapter.Name}: peft_type is {PeftFields.NameOf(opened.Config.Kind)}; only LORA is combined");
        }
        catch (LowRankException e)
        {
            problems.Add($"{adapter.Name}: {e.Message}");
        }
        finally
        {
            opened?.Dispose();
        }
    }

    private static CombineReport Write(CombinePlan plan, string folder, PruningMask mask, Action<long, long>? progress, CancellationToken cancellation)
    {
        var tensors = new List<(string Name, TensorType Type, long[] Shape)>();
        foreach (var (module, rank) in plan.Ranks)
        {
            var (a, b) = NamesOf(plan, module);
            var (_, inFeatures, outFeatures, _) = plan.Of(module)[0].Modules[module];
            tensors.Add((a, TensorType.F32, [plan.StoredRank(rank), inFeatures]));
            tensors.Add((b, TensorType.F32, [outFeatures, plan.StoredRank(rank)]));
        }
        var copies = plan.Sources.SelectMany(s => s.Copies.Select(c => (Source: s, Name: c))).DistinctBy(c => c.Name).Select(c => (c.Source, c.Name, Info: InfoOf(c.Source, c.Name))).ToList();
        tensors.AddRange(copies.Select(c => (c.Name, c.Info.Type, c.Info.Shape)));
        using var writer = AdapterFolder.Create(folder, plan.Config, tensors, plan.Record);
        foreach (var (source, name, info) in copies) writer.Write(name, source.Folder.Weights.Bytes(info));
        var combiner = new ModuleCombiner(plan.Options, mask);
        long done = 0;
        foreach (var (module, rank) in plan.Ranks)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var (a, b) = combiner.Combine(module, rank, plan.Of(module));
            var (nameA, nameB) = NamesOf(plan, module);
            writer.Write(nameA, MemoryMarshal.Cast<byte, float>(RankPadding.Rows(a, plan.StoredRank(rank)).bytes));
            writer.Write(nameB, MemoryMarshal.Cast<byte, float>(RankPadding.Columns(b, plan.StoredRank(rank)).bytes));
            progress?.Invoke(++done, plan.Ranks.Count);
        }
        writer.Commit();
        return new CombineReport(plan.Ranks.Count, plan.Config.Rank, combiner.Kept, plan.Warnings);
    }

    private static TensorInfo InfoOf(CombineSource source, string name) =>
        source.Folder.Weights.TryGet(AdapterKeys.ToKey(name), out var info) ? info : throw new AdapterException(source.Folder.Path, $"{name} is missing.");

    private static (string A, string B) NamesOf(CombinePlan plan, string module) => plan.Of(module)[0].Modules[module].IsEmbedding
        ? (AdapterKeys.NameOf(module, AdapterTensorKind.EmbeddingA), AdapterKeys.NameOf(module, AdapterTensorKind.EmbeddingB))
        : (AdapterKeys.NameOf(module, AdapterTensorKind.LoraA), AdapterKeys.NameOf(module, AdapterTensorKind.LoraB));
}
