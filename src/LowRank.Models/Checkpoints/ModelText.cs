using System.Security.Cryptography;
using System.Text;
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
    /// <summary>A hash of what decides how a text becomes tokens: the tokenizer's files, the template and its special tokens.</summary>
    internal string Identity { get; private init; } = "";

    /// <summary>Loads it.</summary>
    /// <param name="model">A Hugging Face folder, a <c>.gguf</c> file, or a hub id.</param>
    /// <param name="options">Progress of a download.</param>
    /// <param name="cancellation">Stops a download.</param>
    /// <exception cref="LowRankException">Something is missing, damaged or not supported.</exception>
    public static ModelText Load(string model, ModelLoadOptions? options = null, CancellationToken cancellation = default)
    {
        var path = ModelLoader.Locate(model, options ?? new ModelLoadOptions(), cancellation);
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            return Of(Tokenizer.Load(path), TokenizerConfig.Load(path), ModelConfig.Load(Path.Combine(path, "config.json")), Files(path));
        using var checkpoint = GgufCheckpoint.Open(path);
        var metadata = checkpoint.File.Metadata;
        var json = GgufTokenizer.ToTokenizerJson(metadata);
        return Of(Tokenizer.FromJson(json, path), GgufTokenizer.ToConfig(metadata), new ModelConfig(checkpoint.Config, path), [json]);
    }

    private static IEnumerable<byte[]> Files(string path)
    {
        if (File.Exists(path)) return [File.ReadAllBytes(path)];
        // Every file that the tokenizer and its settings may be read from; weights have other endings.
        return Directory.EnumerateFiles(path).Where(f => Path.GetFileName(f) is var name && (name.Contains("token", StringComparison.Ordinal) || name.EndsWith(".jinja", StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
    }

    private static ModelText Of(Tokenizer tokenizer, TokenizerConfig tokenizerConfig, ModelConfig config, IEnumerable<byte[]> sources)
    {
        var template = tokenizerConfig.ChatTemplate is { } source
            ? new ChatTemplate(source, tokenizerConfig.SpecialTokens.ToDictionary(t => t.Key, t => (object?)t.Value, StringComparer.Ordinal)) : null;
        return new ModelText(tokenizer, tokenizerConfig, template, ModelFamilies.Of(config).Read(config).MaxPositions) { Identity = Hash(sources, tokenizerConfig) };
    }

    private static string Hash(IEnumerable<byte[]> sources, TokenizerConfig config)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var source in sources)
        {
            hash.AppendData(BitConverter.GetBytes(source.LongLength));
            hash.AppendData(source);
        }
        foreach (var text in (string?[])[config.ChatTemplate, config.EosToken, .. config.SpecialTokens.OrderBy(t => t.Key, StringComparer.Ordinal).SelectMany(t => (string?[])[t.Key, t.Value?.ToString()])])
            hash.AppendData(Encoding.UTF8.GetBytes($"{text?.Length ?? -1}:{text}"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
