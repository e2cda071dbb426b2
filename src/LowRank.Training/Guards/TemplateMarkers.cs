using LowRank.Models.Tokenization;

namespace LowRank.Training.Guards;

/// <summary>
/// The special tokens by which families of chat templates mark turns. Markers that are plain text by their makers' intent (Llama 2's <c>[INST]</c>, Zephyr's <c>&lt;|user|&gt;</c>)
/// are not among them.
/// </summary>
internal static class TemplateMarkers
{
    private static readonly (string Family, string[] Markers)[] Families =
    [
        ("ChatML", ["<|im_start|>", "<|im_end|>"]),
        ("Llama 3", ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]),
        ("Gemma", ["<start_of_turn>", "<end_of_turn>"]),
        ("Phi 3", ["<|end|>"]),
        ("Command R", ["<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>"]),
        ("Granite", ["<|start_of_role|>", "<|end_of_role|>"]),
        ("DeepSeek", ["<｜User｜>", "<｜Assistant｜>"]),
    ];

    /// <summary>The markers in a template that the tokenizer takes for several pieces of text.</summary>
    /// <param name="template">The template's source.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    public static IEnumerable<(string Family, string Marker, int Pieces)> In(string template, Tokenizer tokenizer)
    {
        foreach (var (family, markers) in Families)
            foreach (var marker in markers)
                if (template.Contains(marker, StringComparison.Ordinal) && tokenizer.Encode(marker).Length is > 1 and var pieces) yield return (family, marker, pieces);
    }
}
