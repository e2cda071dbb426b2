using System.Text.Json;
using LowRank.Adapters;
using LowRank.Formats;

namespace LowRank.Models.Export;

/// <summary>
/// What a GGUF adapter cannot hold. It has A and B for whole matrices and one alpha (llama.cpp, <c>src/llama-adapter.cpp</c>): whatever else an adapter trained has to be merged into the model.
/// </summary>
internal static class GgufAdapterLimits
{
    // Field, the value without effect, and why another cannot be written.
    private static readonly (string Field, string Default, string Why)[] fields =
    [
        ("use_dora", "false", "DoRA's magnitudes rescale the sum of base and update, and the format has an update alone"),
        ("lora_bias", "false", "the format has no bias of B"),
        ("bias", "\"none\"", "the format has no place for trained biases of the base"),
        ("modules_to_save", "null", "the format has no place for modules that are trained whole"),
        ("trainable_token_indices", "null", "the format has no place for single trained tokens"),
        ("target_parameters", "null", "the format has no place for updates of parameters that are no layer's weight"),
        ("layer_replication", "null", "the format cannot use a layer of the base twice"),
        ("fan_in_fan_out", "false", "the format has matrices as [out, in] alone"),
        ("alora_invocation_tokens", "null", "an activated LoRA applies to a part of the tokens, which is not written here"),
        ("use_qalora", "false", "QALoRA pools the inputs of A, which the format cannot say"),
        ("use_bdlora", "null", "block-diagonal matrices have no form in the format"),
        ("ensure_weight_tying", "false", "the format has no update that embedding and head share"),
    ];

    /// <summary>Refuses an adapter by its configuration, before it is read any further.</summary>
    /// <param name="folder">The adapter's folder.</param>
    /// <exception cref="AdapterException">It asks for something that the format cannot hold; all reasons are listed.</exception>
    public static void Check(string folder)
    {
        var path = Path.Combine(folder, LoraConfig.FileName);
        if (!File.Exists(path)) return; // opening the folder says what is missing
        try
        {
            var json = StrictJson.Element(File.ReadAllBytes(path));
            if (json.ValueKind != JsonValueKind.Object) return;
            var problems = new List<string>();
            if (json.TryGetProperty("peft_type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() != "LORA")
                problems.Add($"peft_type is {type.GetString()}: the format has LoRA alone");
            foreach (var (field, without, why) in fields)
                if (json.TryGetProperty(field, out var value) && !IsWithoutEffect(value, without)) problems.Add($"{field} is {value.GetRawText()}: {why}");
            if (problems.Count > 0) throw Refused(folder, problems);
        }
        catch (JsonException)
        {
            // Reading the configuration says where it is not JSON.
        }
    }

    /// <summary>The error of an adapter that the format cannot hold.</summary>
    public static AdapterException Refused(string folder, IReadOnlyList<string> problems) =>
        new(folder, "a GGUF adapter cannot hold it. Merge it into the model and export that instead. The reasons:", problems);

    private static bool IsWithoutEffect(JsonElement value, string without)
    {
        if (value.ValueKind == JsonValueKind.Null || value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0) return true;
        using var wanted = JsonDocument.Parse(without);
        return JsonElement.DeepEquals(value, wanted.RootElement);
    }
}
