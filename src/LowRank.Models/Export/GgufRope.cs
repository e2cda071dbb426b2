using System.Text.Json.Nodes;
using LowRank.Models.Families;

namespace LowRank.Models.Export;

/// <summary>The rotary embedding of a configuration in either form (transformers 4: <c>rope_theta</c>, <c>rope_scaling</c>; 5: <c>rope_parameters</c>), as GGUF tells it.</summary>
internal sealed class GgufRope
{
    private readonly ModelConfig config;
    private readonly JsonObject parameters;

    /// <summary>Reads it.</summary>
    /// <exception cref="ModelConfigException">A field is of the wrong kind.</exception>
    public GgufRope(ModelConfig config)
    {
        this.config = config;
        var all = config.Object("rope_parameters") ?? config.Object("rope_scaling") ?? [];
        // Where the kinds of layers differ, each has an object of its own.
        parameters = all["full_attention"] as JsonObject ?? all;
        Theta = Number("rope_theta") ?? config.Number("rope_theta");
        LocalTheta = all["sliding_attention"] is JsonObject sliding ? config.Number(sliding, "rope_theta") : config.Number("rope_local_base_freq");
        Type = (Text("rope_type") ?? Text("type")) switch { "default" => null, "su" => "longrope", var type => type };
    }

    /// <summary>The base of the frequencies, or null.</summary>
    public double? Theta { get; }

    /// <summary>The base of layers with a sliding window, where it differs.</summary>
    public double? LocalTheta { get; }

    /// <summary>The kind of scaling, or null.</summary>
    public string? Type { get; }

    /// <summary>A number of the scaling, or null.</summary>
    public double? Number(string key) => config.Number(parameters, key);

    /// <summary>A number that the kind of scaling needs.</summary>
    /// <exception cref="ModelConfigException">It is missing.</exception>
    public double Require(string key) => Number(key) ?? throw Wrong($"\"{key}\" of the {Type} rope scaling is missing.");

    /// <summary>Numbers for each frequency, or null.</summary>
    public float[]? Factors(string key) => parameters[key] is not { } node ? null
        : node is JsonArray list && list.All(n => n is JsonValue v && v.TryGetValue<double>(out _)) ? [.. list.Select(n => (float)n!.GetValue<double>())]
        : throw Wrong($"\"{key}\" is not a list of numbers.");

    /// <summary>
    /// llama3 scaling as GGUF holds it: one divisor for each frequency (<c>rope_freqs.weight</c>; llama.cpp, <c>LlamaModel.generate_extra_tensors</c>): 1 for short wavelengths, the
    /// factor for long ones, and between them 1 / divisor is linear in 1 / wavelength.
    /// </summary>
    public float[] Llama3Divisors(long headSize)
    {
        double factor = Require("factor"), low = Require("low_freq_factor"), high = Require("high_freq_factor"), original = Require("original_max_position_embeddings"), theta = Theta ?? 10000;
        var divisors = new float[headSize / 2];
        for (var i = 0; i < divisors.Length; i++)
        {
            var wavelength = 2 * Math.PI * Math.Pow(theta, 2.0 * i / headSize);
            var smooth = (original / wavelength - low) / (high - low);
            divisors[i] = (float)(wavelength < original / high ? 1 : wavelength > original / low ? factor : 1 / ((1 - smooth) / factor + smooth));
        }
        return divisors;
    }

    private string? Text(string key) => parameters[key] is not { } node ? null : node is JsonValue v && v.TryGetValue<string>(out var text) ? text : throw Wrong($"\"{key}\" of the rope scaling is not a string.");

    private ModelConfigException Wrong(string what) => new($"{config.Source}: {what}");
}
