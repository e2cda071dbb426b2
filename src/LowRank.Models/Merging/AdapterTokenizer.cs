using System.Text;
using LowRank.Formats;
using LowRank.Models.Checkpoints;
using LowRank.Models.Tokenization;

namespace LowRank.Models.Merging;

/// <summary>The tokenizer that was saved in an adapter's folder, as trainers of Hugging Face do: the adapter was trained with it, tokens that were added included.</summary>
internal static class AdapterTokenizer
{
    private const string Template = "chat_template.jinja";

    private static readonly string[] Files = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model"];

    /// <summary>Puts it in place of the base's in a folder that is being made. A chat template stays where the adapter has none.</summary>
    /// <param name="adapter">The adapter's folder.</param>
    /// <param name="target">The folder, with the base's files.</param>
    /// <param name="rows">Rows of the merged model's embedding.</param>
    /// <param name="warnings">Is told why it is not taken.</param>
    /// <returns>Whether there is one.</returns>
    public static bool TakeOver(string adapter, AtomicFolder target, long rows, List<string> warnings)
    {
        if (!File.Exists(Path.Combine(adapter, Files[0]))) return false;
        if (ModelLoader.MaxId(Tokenizer.Load(adapter)) is var last && last >= rows)
        {
            warnings.Add($"The tokenizer in {adapter} has ids up to {last}, the merged model {rows} tokens: it is not taken over.");
            return false;
        }
        var before = TokenizerConfig.Load(target.PartialPath).ChatTemplate;
        foreach (var name in Files.Append(Template))
        {
            if (File.Exists(Path.Combine(adapter, name))) target.Write(name, File.ReadAllBytes(Path.Combine(adapter, name)));
            else File.Delete(target.At(name));
        }
        if (before is not null && TokenizerConfig.Load(target.PartialPath).ChatTemplate is null) target.Write(Template, Encoding.UTF8.GetBytes(before));
        return true;
    }
}
