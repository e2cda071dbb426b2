using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Adapters.Combining;
using LowRank.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Extraction;

/// <summary>
/// Makes a LoRA of two checkpoints: of each module the best approximation B A of tuned less base at a rank, by its singular values (Eckart and Young, 1936). The adapter has alpha = rank, so
/// that its update is B A itself. One difference is in memory at a time, and the folder appears whole or not at all.
/// </summary>
internal static class AdapterExtractor
{
    // Up to this shorter side the whole decomposition in fp64 takes a second or less.
    private const long WholeSide = 512;

    // A sketch nearly as wide as the matrix saves nothing.
    private const long SketchShare = 4;

    /// <summary>Extracts an adapter.</summary>
    /// <param name="basePath">The base: a Hugging Face folder or a GGUF file.</param>
    /// <param name="tunedPath">The model that was trained from it.</param>
    /// <param name="folder">The folder to create; it must not exist, or be empty.</param>
    /// <param name="options">Rank and targets.</param>
    /// <param name="progress">Is told elements done and elements in all.</param>
    /// <param name="cancellation">Ends the work; nothing is left.</param>
    /// <exception cref="LowRankException">A checkpoint is missing or damaged, they do not fit each other or do not differ; a target matches nothing; the folder exists.</exception>
    public static ExtractReport Extract(string basePath, string tunedPath, string folder, ExtractOptions options, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Rank, 1);
        // Told before the work, which would be lost.
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()) throw new LowRankException($"{folder} exists and is not empty: give another folder.");
        Runtime.NativeRuntime.Load();
        using var pair = CheckpointPair.Open(basePath, tunedPath);
        var selection = Select(pair, options);
        var targets = selection.Targets.ToDictionary(t => $"{t.Module.Name}.weight", t => t.Module, StringComparer.Ordinal);
        var (changed, unheld, fingerprint) = (new List<(AdaptableModule Module, TensorPair Pair)>(), new List<UnheldDifference>(), new BaseFingerprintBuilder());
        long done = 0, all = 2 * pair.Tensors.Sum(t => t.Base.Elements);
        foreach (var t in pair.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!pair.AreEqual(t))
            {
                if (targets.TryGetValue(t.Name, out var module)) changed.Add((module, t));
                else unheld.Add(Measure(pair, t, tunedPath));
            }
            pair.AddTo(fingerprint, t);
            pair.DropPages(t);
            progress?.Invoke(done += t.Base.Elements, all);
        }
        if (changed.Count == 0) throw new LowRankException($"{basePath} and {tunedPath} have the same weights in all of the {targets.Count} modules: there is nothing to extract.{Elsewhere(unheld)}");
        var ranks = changed.Select(c => (c.Module.Name, Rank: (int)Math.Min(options.Rank, Math.Min(c.Module.InFeatures, c.Module.OutFeatures)))).ToList();
        var stored = options.Portable ? ranks.ConvertAll(r => (r.Name, Rank: ranks.Max(m => m.Rank))) : ranks;
        var config = UnitScaling.With(new LoraConfig { TargetModules = Named(pair, selection, changed), BaseModel = options.BaseModel ?? basePath, FanInFanOut = selection.Config.FanInFanOut }, stored);
        var run = new JsonObject { ["extracted"] = new JsonObject { ["tuned"] = Path.GetFileName(Path.TrimEndingDirectorySeparator(tunedPath)), ["rank"] = options.Rank } };
        using var writer = AdapterFolder.Create(folder, config, Declared(changed, stored), new AdapterRecord(fingerprint.Finish(), run));
        var modules = new List<ExtractedModule>();
        for (var i = 0; i < changed.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            modules.Add(Write(writer, pair, changed[i].Module, changed[i].Pair, ranks[i].Rank, stored[i].Rank, options, tunedPath));
            pair.DropPages(changed[i].Pair);
            progress?.Invoke(done += changed[i].Pair.Base.Elements, all);
        }
        progress?.Invoke(all, all);
        writer.Commit();
        return new ExtractReport(modules, targets.Count - changed.Count, unheld, selection.Warnings);
    }

    private static TargetSelection Select(CheckpointPair pair, ExtractOptions options)
    {
        var selection = TargetMatcher.Select(new LoraConfig { Rank = options.Rank, Alpha = options.Rank, TargetModules = options.Target }, pair.Modules, pair.Spec.ModelType);
        // The matrices of experts are told as differences that the adapter does not hold: one at a time is in memory, and a parameter of all experts is many.
        if (selection.Targets.Any(t => t.IsParameter))
            selection = selection with { Targets = [.. selection.Targets.Where(t => !t.IsParameter)], Warnings = [.. selection.Warnings, "Experts and routers are left out; name their matrices with --target to extract a pair for each."] };
        var problems = new List<string>();
        foreach (var target in selection.Targets)
        {
            if (target.Module.Kind == ModuleKind.Embedding) problems.Add($"{target.Module.Name} is an embedding; differences of linear modules are extracted");
            else if (pair.Tensors.All(t => t.Name != $"{target.Module.Name}.weight")) problems.Add($"{target.Module.Name} shares the weight of {target.Module.TiedTo}, which is no linear module");
        }
        return problems.Count == 0 ? selection : throw new LoraConfigException("The targets cannot be extracted", problems);
    }

    // As short as the targets of a trained adapter where all of them differ; else names that take those that do, and no others.
    private static ModulePattern Named(CheckpointPair pair, TargetSelection selection, List<(AdaptableModule Module, TensorPair Pair)> changed)
    {
        if (changed.Count == selection.Targets.Count) return selection.Config.TargetModules!;
        string[] names = [.. changed.Select(c => c.Module.Name)];
        var shortest = ModulePattern.FromNames([.. MinimalSuffixes.Of(names, pair.Modules.Select(m => m.Name).Except(names))]);
        var matcher = new TargetMatcher(new LoraConfig { TargetModules = shortest });
        return pair.Modules.Where(m => matcher.Match(m.Name) == TargetMatch.Target).Select(m => m.Name).SequenceEqual(names) ? shortest : ModulePattern.FromNames(names);
    }

    private static List<(string, TensorType, long[])> Declared(List<(AdaptableModule Module, TensorPair Pair)> changed, List<(string Name, int Rank)> ranks)
    {
        var tensors = new List<(string, TensorType, long[])>();
        foreach (var ((module, _), (_, rank)) in changed.Zip(ranks))
        {
            tensors.Add((AdapterKeys.NameOf(module.Name, AdapterTensorKind.LoraA), TensorType.F32, [rank, module.InFeatures]));
            tensors.Add((AdapterKeys.NameOf(module.Name, AdapterTensorKind.LoraB), TensorType.F32, [module.OutFeatures, rank]));
        }
        return tensors;
    }

    private static ExtractedModule Write(AdapterWriter writer, CheckpointPair pair, AdaptableModule module, TensorPair tensor, int rank, int stored, ExtractOptions options, string tunedPath)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var difference = pair.Difference(tensor);
        if (module.Kind == ModuleKind.Conv1D) difference = difference.t().contiguous();
        var squares = RequireFinite(TruncatedSvd.SquaresOf(difference), tensor.Name, tunedPath);
        var side = Math.Min(module.InFeatures, module.OutFeatures);
        var svd = options.Exact || side <= WholeSide || rank > side / SketchShare ? TruncatedSvd.Exact(difference, rank) : TruncatedSvd.Randomized(difference, rank, seed: 0);
        writer.Write(AdapterKeys.NameOf(module.Name, AdapterTensorKind.LoraA), MemoryMarshal.Cast<byte, float>(RankPadding.Rows(svd.A, stored).bytes));
        writer.Write(AdapterKeys.NameOf(module.Name, AdapterTensorKind.LoraB), MemoryMarshal.Cast<byte, float>(RankPadding.Columns(svd.B, stored).bytes));
        // Of the matrices as they are written, not of the singular values that were left out: rounding and an approximate decomposition count too.
        difference.addmm_(svd.B, svd.A, 1, -1);
        return new ExtractedModule(module.Name, rank, Math.Sqrt(squares), Math.Sqrt(TruncatedSvd.SquaresOf(difference)));
    }

    private static UnheldDifference Measure(CheckpointPair pair, TensorPair tensor, string tunedPath)
    {
        var (difference, own) = pair.SquaresOf(tensor);
        return new UnheldDifference(tensor.Name, tensor.Base.Shape, Math.Sqrt(RequireFinite(difference, tensor.Name, tunedPath)), Math.Sqrt(own));
    }

    private static double RequireFinite(double squares, string tensor, string tunedPath) => double.IsFinite(squares) ? squares
        : throw new LowRankException($"{tensor} of {tunedPath} less that of the base has a NaN or an infinite value: one of the checkpoints is damaged, or its training diverged.");

    private static string Elsewhere(List<UnheldDifference> unheld) => unheld.Count == 0 ? " They do not differ elsewhere either."
        : $" They differ in {unheld.Count} other tensors, such as {unheld[0].Tensor}; --target chooses linear modules, and other tensors cannot be in a LoRA.";
}
