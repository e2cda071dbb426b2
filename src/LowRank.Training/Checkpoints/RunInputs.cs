using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using LowRank.Models.Checkpoints;
using LowRank.Training.Data;
using LowRank.Training.Settings;

namespace LowRank.Training.Checkpoints;

/// <summary>
/// Fingerprints (XxHash128) of what a run reads besides the base weights. <see cref="Tokens"/> decides whether another run learns the same; the others say which of the
/// files is the reason where it does not.
/// </summary>
internal sealed record RunInputs
{
    /// <summary>The tokens of all examples, learned and held out, with what is learned of them.</summary>
    public required string Tokens { get; init; }

    /// <summary>The bytes of the data.</summary>
    public required string Data { get; init; }

    /// <summary>The bytes of the held-out data; null where it is a part of the data, or there is none.</summary>
    public string? Validation { get; init; }

    /// <summary>The tokenizer's vocabulary.</summary>
    public required string Tokenizer { get; init; }

    /// <summary>The chat template with the names of special tokens.</summary>
    public required string Template { get; init; }

    /// <summary>The files of the adapter that the run continues; null for a new one.</summary>
    public string? Adapter { get; init; }

    /// <summary>Takes the fingerprints.</summary>
    /// <param name="settings">The data's settings.</param>
    /// <param name="text">Tokenizer and template.</param>
    /// <param name="adapter">The folder of the adapter that is continued, or null.</param>
    /// <param name="sets">The examples, learned and held out.</param>
    /// <param name="cancellation">Stops it.</param>
    public static RunInputs Of(DataSettings settings, ModelText text, string? adapter, IEnumerable<ExampleSet?> sets, CancellationToken cancellation) => new()
    {
        Tokens = OfExamples(sets),
        Data = OfFiles(DataSource.Locate(settings.Data, null, cancellation)),
        Validation = settings.Validation is { } held && (File.Exists(held) || DataSource.IsOnHub(held)) ? OfFiles(DataSource.Locate(held, null, cancellation)) : null,
        Tokenizer = OfTexts(Enumerable.Range(0, text.Tokenizer.VocabularySize).Select(text.Tokenizer.IdToToken).Concat(text.Tokenizer.AddedTokens.Select(t => $"{t.Id} {t.Content}"))),
        Template = OfTexts(text.TokenizerConfig.SpecialTokens.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key}={t.Value}").Prepend(text.TokenizerConfig.ChatTemplate)),
        Adapter = adapter is null || !Directory.Exists(adapter) ? null : OfFiles(((string[])["adapter_config.json", "adapter_model.safetensors"]).Select(f => Path.Combine(adapter, f)).Where(File.Exists)),
    };

    private static string OfExamples(IEnumerable<ExampleSet?> sets)
    {
        var hash = new XxHash128();
        foreach (var set in sets)
        {
            hash.Append(MemoryMarshal.AsBytes<long>([set?.Examples.Count ?? -1]));
            foreach (var example in set?.Examples ?? [])
            {
                Add(hash, example);
                if (example.Rejected is { } rejected) Add(hash, rejected);
            }
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static void Add(XxHash128 hash, Example example)
    {
        hash.Append(MemoryMarshal.AsBytes<long>([example.Length]));
        hash.Append(MemoryMarshal.AsBytes(example.InputIds));
        hash.Append(MemoryMarshal.AsBytes(example.Supervised));
        if (example.IsGood is { } isGood) hash.Append([isGood ? (byte)1 : (byte)0]);
    }

    private static string OfFiles(IEnumerable<string> files)
    {
        var hash = new XxHash128();
        foreach (var file in files)
        {
            using var stream = File.OpenRead(file);
            hash.Append(stream);
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static string OfTexts(IEnumerable<string?> texts)
    {
        var hash = new XxHash128();
        foreach (var text in texts) hash.Append(Encoding.UTF8.GetBytes((text ?? "") + "\0"));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
