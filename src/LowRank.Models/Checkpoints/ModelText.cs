using LowRank.Formats;
using LowRank.Models.Families;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Checkpoints;

/// <summary>What of a model deals with text: tokenizer, special tokens, chat template. Loaded in a moment, because no weights are read.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="TokenizerConfig">Special tokens and switches.</param>
/// <param name="ChatTemplate">The chat template, or null for a model without one.</param>
/// <param name="MaxPositions">The most tokens of a text that the model was made for.</param>
public sealed record ModelText(Tokenizer Tokenizer, TokenizerConfig TokenizerConfig, ChatTemplate? ChatTemplate, long MaxPositions)
{
    /// <summary>Loads it.</summary>
    /// <param name="model">A Hugging Face folder, a <c>.gguf</c> file, or a hub id.</param>
    /// <param name="options">Progress of a download.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="LowRankException">Something is missing, damaged or not supported.</exception>
    public static ModelText Load(string model, ModelLoadOptions? options = null, CancellationToken cancellation = default)
    {
        var path = ModelLoader.Locate(model, options ?? new ModelLoadOptions(), cancellation);
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            return Of(Tokenizer.Load(path), TokenizerConfig.Load(path), ModelConfig.Load(Path.Combine(path, "config.json")));
        using var checkpoint = GgufCheckpoint.Open(path);
        var metadata = checkpoint.File.Metadata;
        return Of(Tokenizer.FromJson(GgufTokenizer.ToTokenizerJson(metadata), path), GgufTokenizer.ToConfig(metadata), new ModelConfig(checkpoint.Config, path));
    }

    private static ModelText Of(Tokenizer tokenizer, TokenizerConfig tokenizerConfig, ModelConfig config)
    {
        var template = tokenizerConfig.ChatTemplate is { } source
            ? new ChatTemplate(source, tokenizerConfig.SpecialTokens.ToDictionary(t => t.Key, t => (object?)t.Value, StringComparer.Ordinal)) : null;
        return new ModelText(tokenizer, tokenizerConfig, template, ModelFamilies.Of(config).Read(config).MaxPositions);
    }
}
