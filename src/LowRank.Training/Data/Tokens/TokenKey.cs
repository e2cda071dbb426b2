using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LowRank.Models.Tokenization;
using LowRank.Training.Data.Rows;

namespace LowRank.Training.Data.Tokens;

/// <summary>What the tokens of rows depend on, as one hash: the bytes of the files, how they are read, tokenizer and chat template, the settings of examples, and the build of LowRank.</summary>
internal static class TokenKey
{
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string Of(RowList rows, int count, ExampleOptions options, string text, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Another build may cut text into tokens otherwise; it has other module ids.
        Add(hash, typeof(TokenKey).Module.ModuleVersionId.ToString());
        Add(hash, typeof(Tokenizer).Module.ModuleVersionId.ToString());
        Add(hash, text);
        Add(hash, string.Create(CultureInfo.InvariantCulture, $"{options.TrainOn} {options.LearnTurnSeparator} {options.SkipUnsupervised} {options.SkipBadRows} {options.Use} {options.MaxLength} {count}"));
        foreach (var origin in rows.Origins)
        {
            Add(hash, origin.Reading);
            hash.AppendData(origin.Content ?? FileHash.Of(origin.Path, cancellation));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 20));
    }

    // With its length, so that two texts cannot be taken for two others.
    private static void Add(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        hash.AppendData(BitConverter.GetBytes(bytes.Length));
        hash.AppendData(bytes);
    }
}
