using LowRank.Formats;

namespace LowRank.Adapters;

/// <summary>
/// An adapter folder as PEFT writes it: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, and where LowRank wrote it,
/// <c>lowrank.json</c>. The weights are mapped; dispose it after reading.
/// </summary>
public sealed class AdapterFolder : IDisposable
{
    /// <summary>The name of the weights' file.</summary>
    public const string WeightsFile = "adapter_model.safetensors";

    private const string PickleFile = "adapter_model.bin";

    private AdapterFolder(string path, AdapterConfig config, SafetensorsFile weights, AdapterRecord? record) =>
        (Path, Config, Weights, Record) = (path, config, weights, record);

    /// <summary>Full path of the folder.</summary>
    public string Path { get; }

    /// <summary>The configuration.</summary>
    public AdapterConfig Config { get; }

    /// <summary>The tensors, by the keys of PEFT.</summary>
    public SafetensorsFile Weights { get; }

    /// <summary>What LowRank recorded about base and run; null for an adapter of PEFT.</summary>
    public AdapterRecord? Record { get; }

    /// <summary>Opens a folder and reads its configuration.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="AdapterException">The folder or a file is missing, or the weights are a pickle.</exception>
    /// <exception cref="LoraConfigException">The configuration is malformed or not supported.</exception>
    /// <exception cref="SafetensorsException">The weights are damaged.</exception>
    public static AdapterFolder Open(string folder)
    {
        var full = System.IO.Path.GetFullPath(folder);
        if (!Directory.Exists(full)) throw new AdapterException(full, "there is no such folder; an adapter is a folder with adapter_config.json and adapter_model.safetensors");
        var weights = System.IO.Path.Combine(full, WeightsFile);
        if (!File.Exists(System.IO.Path.Combine(full, AdapterConfig.FileName)) || !File.Exists(weights)) throw new AdapterException(full, WhatIsMissing(full));
        var config = AdapterConfig.Load(full);
        var record = AdapterRecord.Load(full);
        return new AdapterFolder(full, config, SafetensorsFile.Open(weights), record);
    }

    /// <summary>Makes sure that the file holds exactly the tensors that the model needs, in these shapes.</summary>
    /// <param name="expected">What <see cref="AdapterKeys.TensorsOf"/> says for the model.</param>
    /// <exception cref="AdapterException">Tensors are missing, unexpected or of another shape; all are listed with the nearest names.</exception>
    public void RequireExactly(IReadOnlyList<AdapterTensorSpec> expected) => AdapterCheck.Strict(Path, Weights, expected);

    /// <summary>Reads a tensor as single precision.</summary>
    /// <param name="key">Its key in the file.</param>
    /// <param name="target">As many elements as the tensor has, row by row.</param>
    /// <returns>False where the file has no such tensor.</returns>
    /// <exception cref="ArgumentException"><paramref name="target"/> has another length.</exception>
    /// <exception cref="AdapterException">The tensor is neither F32, F16 nor BF16.</exception>
    public bool TryRead(string key, Span<float> target)
    {
        if (!Weights.TryGet(key, out var info)) return false;
        if (info.Elements != target.Length) throw new ArgumentException($"{key} has {info.Elements} elements, the target {target.Length}.", nameof(target));
        var bytes = Weights.Bytes(info);
        switch (info.Type)
        {
            case TensorType.F32: System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).CopyTo(target); break;
            case TensorType.F16: FloatConversion.HalfToSingle(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(bytes), target); break;
            case TensorType.BF16: FloatConversion.BFloat16ToSingle(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ushort>(bytes), target); break;
            default: throw new AdapterException(Path, $"{key} is {info.Type}; F32, F16 and BF16 are read");
        }
        return true;
    }

    /// <summary>Begins a new adapter folder, which appears whole with <see cref="AdapterWriter.Commit"/> or not at all.</summary>
    /// <param name="folder">The folder to create. It must not exist, or be empty.</param>
    /// <param name="config">The configuration as <see cref="TargetSelection.Config"/> has it.</param>
    /// <param name="tensors">Name in the adapted model, type and shape of each tensor.</param>
    /// <param name="record">What to record beside PEFT's files, or null.</param>
    /// <exception cref="LowRankException">The folder exists and is not empty, or there is too little disk space.</exception>
    public static AdapterWriter Create(string folder, AdapterConfig config, IReadOnlyList<(string Name, TensorType Type, long[] Shape)> tensors, AdapterRecord? record = null) =>
        AdapterWriter.New(folder, config, tensors, record);

    /// <summary>Begins to write an adapter's files into a folder that exists, such as the unfinished folder of a checkpoint. Each file appears whole.</summary>
    /// <inheritdoc cref="Create"/>
    public static AdapterWriter WriteInto(string folder, AdapterConfig config, IReadOnlyList<(string Name, TensorType Type, long[] Shape)> tensors, AdapterRecord? record = null) =>
        AdapterWriter.Into(folder, config, tensors, record);

    /// <summary>Ends the mapping of the weights.</summary>
    public void Dispose() => Weights.Dispose();

    private static string WhatIsMissing(string folder)
    {
        if (File.Exists(System.IO.Path.Combine(folder, PickleFile)) && !File.Exists(System.IO.Path.Combine(folder, WeightsFile)))
            return $"the weights are a pickle ({PickleFile}), and reading a pickle runs code from the file, so LowRank does not. Convert it where you trust it: " +
                   $"python -c \"import torch; from safetensors.torch import save_file; save_file(torch.load('{PickleFile}', weights_only=True), '{WeightsFile}', {{'format': 'pt'}})\"";
        var inner = Directory.EnumerateFiles(folder, AdapterConfig.FileName, SearchOption.AllDirectories).Select(f => System.IO.Path.GetDirectoryName(f)!).Where(f => f != folder).Take(3).ToArray();
        if (inner.Length > 0) return $"there is no adapter in this folder itself, but in {string.Join(", ", inner)}";
        var missing = new[] { AdapterConfig.FileName, WeightsFile }.Where(f => !File.Exists(System.IO.Path.Combine(folder, f)));
        return $"{string.Join(" and ", missing)} {(missing.Count() == 1 ? "is" : "are")} missing. {PickleFiles.Listing(folder, "*")}";
    }
}
