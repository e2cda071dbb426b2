using LowRank.Formats;

namespace LowRank.Models.Export;

/// <summary>
/// Writes a model as a GGUF file that llama.cpp and Ollama load: weights, configuration, tokenizer and chat template in one file, equal to what llama.cpp's
/// <c>convert_hf_to_gguf.py</c> writes. The weights stream through a buffer, so the memory does not grow with the model. The file appears whole or not at all.
/// </summary>
public static class GgufExporter
{
    // Names that a GGUF source tells of itself.
    private static readonly string[] namesOfSource = ["general.name", "general.author", "general.version", "general.organization", "general.finetune", "general.basename", "general.size_label", "general.license"];

    /// <summary>Exports a model.</summary>
    /// <param name="model">A Hugging Face folder or a GGUF file, of which the weights are taken as <see cref="GgufCheckpoint"/> has them.</param>
    /// <param name="file">The file to create or replace.</param>
    /// <param name="options">What it is made of; null for the defaults.</param>
    /// <param name="cancellation">Ends the export; nothing is left.</param>
    /// <exception cref="LowRankException">
    /// The model is missing, damaged or in 4 bits; GGUF has no form for it, or the type does not allow a tensor's width or a value of it; there is too little space, or the file cannot be written.
    /// </exception>
    public static void Export(string model, string file, GgufExportOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new GgufExportOptions();
        if (Path.GetFullPath(model) == Path.GetFullPath(file)) throw new LowRankException($"{file} is the model itself: give another file to write.");
        using var source = ExportSource.Open(model);
        Export(source, file, options, cancellation);
    }

    internal static void Export(ExportSource source, string file, GgufExportOptions options, CancellationToken cancellation, bool withTokenizer = true)
    {
        var (name, architecture) = Architecture(source);
        var weights = options.Weights ?? source.Tensors;
        // The head of the metadata names the size, which the plan tells; the plan needs heads and layers, which the description reads.
        var described = new GgufMetadataBuilder { Architecture = name };
        var description = GgufModelDescription.Add(source.Config, described, options.Type);
        var planned = GgufTensorPlan.Of(weights, source.Config, architecture, description, options.Type);
        var metadata = new GgufMetadataBuilder { Architecture = name };
        metadata.Set("general.architecture", name);
        metadata.Set("general.type", "model");
        Name(source, metadata, planned.Sum(t => t.Rows * t.Columns));
        foreach (var (key, value) in described.Pairs) metadata.Set(key, value);
        metadata.Set("general.quantization_version", 2u);
        var rows = planned.Single(t => t.Name == GgufNames.Embedding).Rows;
        if (withTokenizer) Tokenizer(source, metadata, rows);
        else
        {
            // As convert_hf_to_gguf.py says it of a model that has none; llama.cpp takes tokens as numbers then, and needs to know how many there are.
            metadata.Set("tokenizer.ggml.model", "none");
            metadata.Count("vocab_size", rows);
        }
        foreach (var warning in description.Warnings) options.Warning?.Invoke($"{source.Path}: {warning}.");

        using var writer = GgufWriter.Create(file, metadata.Pairs, planned.Select(t => (t.Name, t.Type, t.Shape)));
        new GgufTensorStream(weights, writer).Write(planned, options.Progress, cancellation);
        writer.Commit();
    }

    /// <summary>The architecture of a model, with its name.</summary>
    internal static (string Name, GgufArchitecture Architecture) Architecture(ExportSource source) => GgufArchitecture.For(source.Config.ModelType)
        ?? throw new LowRankException($"{source.Config.Source}: a model of the type \"{source.Config.ModelType}\" cannot be written as GGUF here; {GgufArchitecture.WrittenModelTypes} can.");

    private static void Name(ExportSource source, GgufMetadataBuilder metadata, long parameters)
    {
        var name = GgufModelName.Of(source.Name, parameters);
        metadata.Set("general.name", name.Title);
        metadata.SetIfKnown("general.version", name.Version);
        metadata.SetIfKnown("general.finetune", name.FineTune);
        metadata.SetIfKnown("general.basename", name.BaseName);
        metadata.Set("general.size_label", name.SizeLabel ?? GgufModelName.LabelOf(parameters));
        if (source.Gguf is not { } file) return;
        foreach (var key in namesOfSource)
            if (file.Metadata.GetValueOrDefault(key) is string told) metadata.Set(key, told);
    }

    private static void Tokenizer(ExportSource source, GgufMetadataBuilder metadata, long rows)
    {
        if (source.Gguf is not { } file)
        {
            GgufTokenizerDescription.Add(metadata, source.Config, source.Path, rows);
            return;
        }
        // The file's own tokenizer, as it stands.
        foreach (var (key, value) in file.Metadata)
            if (key.StartsWith("tokenizer.", StringComparison.Ordinal)) metadata.Set(key, value);
    }
}
