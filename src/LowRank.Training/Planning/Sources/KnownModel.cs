using System.Text.Json.Nodes;
using LowRank.Models.Families;

namespace LowRank.Training.Planning.Sources;

/// <summary>A published model whose sizes come with LowRank, so that it can be planned without its files.</summary>
/// <param name="Name">Its short name, such as <c>llama-2-7b</c>.</param>
/// <param name="Hub">Its id on the hub.</param>
/// <param name="Config">Its configuration, as far as sizes go.</param>
public sealed record KnownModel(string Name, string Hub, ModelConfig Config)
{
    private static readonly string[] Endings = ["-hf", "-chat", "-it", "-base", "-v1.0", "-v0.1", "-4k", "-128k"];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KnownModel> All { get; } = Load();

    /// <summary>The model of a short name or hub id; instruct and chat variants have the sizes of their base. Null where there is none.</summary>
    /// <param name="text">Such as <c>llama-2-7b</c>, <c>Llama-2-7b-chat-hf</c> or <c>meta-llama/Llama-2-7b-hf</c>.</param>
    public static KnownModel? Find(string text)
    {
        var name = Plain(text);
        return All.FirstOrDefault(m => m.Name == name) ?? All.FirstOrDefault(m => Plain(m.Hub) == name);
    }

    private static string Plain(string text)
    {
        var name = text[(text.LastIndexOf('/') + 1)..].ToLowerInvariant().Replace('_', '-').Replace("meta-llama", "llama", StringComparison.Ordinal).Replace("-instruct", "", StringComparison.Ordinal);
        if (name.StartsWith("llama2", StringComparison.Ordinal) || name.StartsWith("llama3", StringComparison.Ordinal)) name = name.Insert("llama".Length, "-");
        for (var ending = Endings[0]; ending is not null;)
        {
            ending = Array.Find(Endings, e => name.EndsWith(e, StringComparison.Ordinal));
            if (ending is not null) name = name[..^ending.Length];
        }
        return name;
    }

    private static KnownModel[] Load()
    {
        const string Resource = "LowRank.Training.Planning.known-models.json";
        using var stream = typeof(KnownModel).Assembly.GetManifestResourceStream(Resource) ?? throw new InvalidOperationException($"{Resource} is not in the assembly.");
        return [.. JsonNode.Parse(stream)!.AsArray().Select(node => new KnownModel(node!["name"]!.GetValue<string>(), node["hub"]!.GetValue<string>(),
            new ModelConfig(node["config"]!.AsObject(), node["name"]!.GetValue<string>())))];
    }
}
