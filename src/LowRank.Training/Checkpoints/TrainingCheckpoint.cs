using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Optimizers;
using LowRank.Training.Methods;
using static TorchSharp.torch;

namespace LowRank.Training.Checkpoints;

/// <summary>
/// A folder <c>checkpoint-STEP</c> with what other programs load (a PEFT adapter or a model) and what an exact resume needs: fp32 parameters and moments as
/// flat buffers, the position in the data. The folder appears whole or not at all, so the newest one is always usable, whenever the process was killed.
/// </summary>
public static class TrainingCheckpoint
{
    private const string BuffersFile = "trainer.safetensors";
    private const string Prefix = "checkpoint-";

    /// <summary>The folder of a checkpoint.</summary>
    public static string FolderOf(string output, long step) => Path.Combine(output, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:d6}"));

    /// <summary>The newest checkpoint below a run's folder, or null.</summary>
    public static string? Newest(string output) => All(output).LastOrDefault();

    /// <summary>Writes a checkpoint and removes old ones beyond <paramref name="keep"/>.</summary>
    /// <returns>Its folder.</returns>
    public static string Save(string output, TrainerState state, TrainedWeights weights, FlatParameters flat, AdamW optimizer, AdapterRecord record, int keep, long? alsoKeepStep)
    {
        var path = FolderOf(output, state.Step);
        // A run that was resumed from an earlier checkpoint comes by here again.
        Remove(path);
        using (var folder = AtomicFolder.Create(path, flat.Length * sizeof(float) + optimizer.State.Values.Concat(weights.State.Values).Sum(t => t.NumberOfElements * t.ElementSize)))
        {
            weights.WriteInto(folder, record);
            folder.Write(TrainerState.FileName, JsonSerializer.SerializeToUtf8Bytes(state, TrainingJson.Default.TrainerState));
            var buffers = optimizer.State.Concat(weights.State).Append(KeyValuePair.Create("values", flat.Values)).ToDictionary();
            using (var writer = SafetensorsWriter.Create(folder.At(BuffersFile), buffers.Select(b => (b.Key, TypeOf(b.Value), b.Value.shape))))
            {
                foreach (var t in writer.Tensors)
                {
                    using var onCpu = buffers[t.Name].detach().cpu();
                    unsafe
                    {
                        writer.Write(t.Name, (byte*)Runtime.Interop.TensorMemory.DataPointer(onCpu), t.ByteLength);
                    }
                }
                writer.Commit();
            }
            folder.Commit();
        }
        var spared = alsoKeepStep is { } best ? FolderOf(output, best) : null;
        foreach (var old in All(output).Where(f => f != spared).SkipLast(keep).ToArray()) Remove(old);
        return path;
    }

    // Deleting takes many steps: under another name first, so that a process that is killed meanwhile leaves no half checkpoint to resume from.
    private static void Remove(string folder)
    {
        var steps = FileSystemSteps.Current;
        var gone = Path.Combine(Path.GetDirectoryName(folder)!, "." + Path.GetFileName(folder) + ".old");
        steps.DeleteFolder(gone);
        if (!Directory.Exists(folder)) return;
        steps.RenameFolder(folder, gone);
        steps.DeleteFolder(gone);
    }

    /// <summary>Removes what a killed process left of what it was writing or deleting in a run's folder. The run that goes on there writes and deletes others, and would leave it for good.</summary>
    internal static void RemoveLeftovers(string output)
    {
        var steps = FileSystemSteps.Current;
        foreach (var folder in Directory.GetDirectories(output, ".*").Where(IsLeftover)) steps.DeleteFolder(folder);
        foreach (var file in Directory.GetFiles(output, ".*").Where(IsLeftover)) steps.Delete(file);

        static bool IsLeftover(string path) => path.EndsWith(".old", StringComparison.Ordinal) || path.EndsWith(".partial", StringComparison.Ordinal);
    }

    /// <summary>Restores parameters and moments and tells where the run stands.</summary>
    /// <exception cref="LowRankException">The checkpoint is damaged or of other parameters.</exception>
    public static TrainerState Restore(string folder, TrainedWeights weights, FlatParameters flat, AdamW optimizer) => Restore(folder, weights, flat, optimizer, OptimizerName.Of(optimizer.Kind));

    /// <summary>The same, where the optimizer is more than its moments: its name in the checkpoint must be this.</summary>
    internal static TrainerState Restore(string folder, TrainedWeights weights, FlatParameters flat, AdamW optimizer, string name)
    {
        var state = TrainingJson.Read(Path.Combine(folder, TrainerState.FileName), TrainingJson.Default.TrainerState);
        if (!state.Parameters.SequenceEqual(flat.Parameters.Select(p => p.Name)))
            throw new LowRankException($"{folder} was written by a run with other trained parameters ({state.Parameters.Count}, here {flat.Parameters.Count}). Resume it with the settings of its run.json.");
        if (state.Optimizer != name)
            throw new LowRankException($"{folder} holds the state of the optimizer {state.Optimizer}, the settings ask for {name}. Resume with the same.");
        using var file = SafetensorsFile.Open(Path.Combine(folder, BuffersFile));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        flat.Values.copy_(Read(file, "values", flat.Values));
        TrainableParameter.Changed();
        optimizer.Restore(state.Step, buffer => Read(file, buffer, optimizer.State[buffer]));
        foreach (var (buffer, tensor) in weights.State) tensor.copy_(Read(file, buffer, tensor));
        weights.Restored();
        return state;
    }

    /// <summary>The parameters alone, as one buffer: the best ones, at the end of a run that stopped early.</summary>
    internal static Tensor ReadValues(string folder, Tensor values)
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, BuffersFile));
        using var mapped = Read(file, "values", values);
        return mapped.clone();
    }

    // A tensor over the mapped file, to be copied from while that is open: no anonymous memory, which a paged optimizer's run may not have.
    private static unsafe Tensor Read(SafetensorsFile file, string name, Tensor like)
    {
        var type = TypeOf(like);
        if (!file.TryGet(name, out var info) || info.Type != type || info.Elements != like.NumberOfElements)
            throw new LowRankException($"{file.Path}: \"{name}\" must be {like.NumberOfElements} numbers of type {type}. The checkpoint is damaged or of another run: resume from an earlier one.");
        return Runtime.Interop.TensorMemory.TensorFromPointer((nint)file.Pointer(info), [info.Elements], like.dtype);
    }

    private static TensorType TypeOf(Tensor t) => t.dtype == ScalarType.Float32 ? TensorType.F32 : TensorType.U8;

    private static IEnumerable<string> All(string output) => !Directory.Exists(output) ? []
        : Directory.GetDirectories(output, Prefix + "*").Where(d => File.Exists(Path.Combine(d, TrainerState.FileName))).Order(StringComparer.Ordinal);
}
