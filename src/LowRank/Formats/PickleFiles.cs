namespace LowRank.Formats;

/// <summary>Recognises PyTorch pickle checkpoints, in order to refuse them with the reason.</summary>
internal static class PickleFiles
{
    private static readonly string[] patterns = ["*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle"];

    public static bool IsPickle(string path) => patterns.Any(p => Path.GetFileName(path).EndsWith(p[1..], StringComparison.OrdinalIgnoreCase));

    /// <summary>Why a pickle file is not read, and how to convert it.</summary>
    public static string Refusal(string names) =>
        $"{names} is a pickle checkpoint, and reading a pickle runs code from the file, so LowRank does not. Convert it where you trust it: "
        + "python -c \"from transformers import AutoModelForCausalLM as M; M.from_pretrained('FOLDER').save_pretrained('NEW', safe_serialization=True)\", or take the model's .safetensors files.";

    /// <summary>The message for a folder without safetensors weights.</summary>
    public static string WhyNoWeights(string folder)
    {
        var pickles = patterns.SelectMany(p => Directory.GetFiles(folder, p)).Select(p => Path.GetFileName(p)!)
            .Where(n => n is not "training_args.bin").Order(StringComparer.Ordinal).ToArray();
        if (pickles.Length > 0) return $"{folder}: there are no safetensors weights. {Refusal(string.Join(", ", pickles.Take(4)))}";
        var ggufs = Directory.GetFiles(folder, "*.gguf");
        return ggufs.Length > 0 ? $"{folder}: there is neither {SafetensorsFolder.SingleFile} nor {SafetensorsFolder.IndexFile}. Name the GGUF file itself: {ggufs[0]}."
            : $"{folder}: there is neither {SafetensorsFolder.SingleFile} nor {SafetensorsFolder.IndexFile}. {Listing(folder, "*")}";
    }

    /// <summary>A sentence that says which files are there.</summary>
    public static string Listing(string folder, string pattern)
    {
        var names = Directory.GetFiles(folder, pattern).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal).ToArray();
        return names.Length == 0 ? $"There is no file {pattern} in it."
            : $"There are: {string.Join(", ", names.Take(12))}{(names.Length > 12 ? $" and {names.Length - 12} more" : "")}.";
    }
}
