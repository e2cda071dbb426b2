using System.Text.Json;
using LowRank.Models.Tokenization.PostProcessing;

namespace LowRank.Models.Tokenization.Loading;

/// <summary>Builds the <c>post_processor</c>.</summary>
internal sealed class PostProcessorReader
{
    private readonly List<bool> _trims = [];
    private List<int[]?>? _template;

    /// <summary>Builds it, or refuses it by name.</summary>
    public static PostProcessor Read(JsonPart part)
    {
        var reader = new PostProcessorReader();
        reader.Add(part);
        return new PostProcessor(reader._trims, reader._template ?? [null]);
    }

    private void Add(JsonPart part)
    {
        switch (part.Type)
        {
            case "Sequence":
                foreach (var inner in part.List("processors")) Add(inner);
                break;
            case "ByteLevel":
                if (part.Flag("trim_offsets", true)) _trims.Add(part.Flag("add_prefix_space", true));
                break;
            case "TemplateProcessing":
                SetTemplate(part, Template(part));
                break;
            case "RobertaProcessing":
                if (part.Flag("trim_offsets", true)) _trims.Add(part.Flag("add_prefix_space", true));
                SetTemplate(part, [[TokenId(part, "cls")], null, [TokenId(part, "sep")]]);
                break;
            case "BertProcessing":
                SetTemplate(part, [[TokenId(part, "cls")], null, [TokenId(part, "sep")]]);
                break;
            case var type:
                throw part.Unsupported($"post-processor {type}");
        }
    }

    private void SetTemplate(JsonPart part, List<int[]?> template) =>
        _template = _template is null ? template : throw part.Unsupported("a second template in one post-processor");

    private static List<int[]?> Template(JsonPart part)
    {
        var special = part.Object("special_tokens");
        var template = new List<int[]?>();
        foreach (var piece in part.List("single"))
        {
            if (piece.Object("SpecialToken") is { } token)
                template.Add(Ids(special?.Object(token.String("id")) ?? throw part.Missing($"special_tokens.{token.String("id")}", "an object with ids")));
            else if (piece.Object("Sequence") is { } sequence)
                template.Add(sequence.String("id") == "A" ? null : throw part.Unsupported("a second sequence in the template for one"));
            else
                throw part.Missing("single", "a list of SpecialToken and Sequence");
        }
        return template;
    }

    private static int[] Ids(JsonPart token)
    {
        if (token.Value("ids") is not { ValueKind: JsonValueKind.Array } ids) throw token.Missing("ids", "a list of token ids");
        return [.. ids.EnumerateArray().Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number) ? number : throw token.Missing("ids", "a list of token ids"))];
    }

    private static int TokenId(JsonPart part, string key) =>
        part.Value(key) is { ValueKind: JsonValueKind.Array } pair && pair.GetArrayLength() == 2 && pair[1].ValueKind == JsonValueKind.Number && pair[1].TryGetInt32(out var id)
            ? id : throw part.Missing(key, "a list of token and id");
}
