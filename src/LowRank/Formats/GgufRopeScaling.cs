using System.Text.Json.Nodes;

namespace LowRank.Formats;

/// <summary>The <c>rope_scaling</c> of a Hugging Face configuration, from the metadata and the factors of a GGUF file.</summary>
internal static class GgufRopeScaling
{
    /// <summary>The object, or null for plain rotary embeddings.</summary>
    public static JsonObject? Of(GgufFile file, GgufMetadata m)
    {
        var type = m.Text(m.Key("rope.scaling.type")) ?? "none";
        // Older files have the linear factor alone.
        var factor = m.Number(m.Key("rope.scaling.factor")) ?? m.Number(m.Key("rope.scale_linear")) ?? 1f;
        if (file.TryGet(GgufNames.RopeFactors, out var factors)) return Llama3(file, m, factors);
        if (file.TryGet(GgufNames.ShortRopeFactors, out var within) && file.TryGet(GgufNames.LongRopeFactors, out var beyond))
            return new JsonObject { ["long_factor"] = Values(file, beyond), ["short_factor"] = Values(file, within), ["rope_type"] = "longrope" };
        switch (type)
        {
            case "none" or "linear" when factor is 1f or 0f:
                return null;
            case "none" when !m.Has(m.Key("rope.scale_linear")):
                return null;
            case "none" or "linear":
                return new JsonObject { ["factor"] = GgufConfig.Float(factor), ["rope_type"] = "linear" };
            case "yarn":
                foreach (var key in new[] { "rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_ext_factor" })
                    if (m.Number(m.Key(key)) is { } value and not 1f)
                        throw new GgufException(file.Path, $"{file.Path}: metadata key '{m.Key(key)}' is {value}; yarn scaling is supported with 1 only.", m.Key(key));
                var yarn = new JsonObject { ["factor"] = GgufConfig.Float(factor), ["original_max_position_embeddings"] = m.RequiredInteger(m.Key("rope.scaling.original_context_length")), ["rope_type"] = "yarn" };
                if (m.Number(m.Key("rope.scaling.yarn_beta_fast")) is { } fast) yarn["beta_fast"] = GgufConfig.Float(fast);
                if (m.Number(m.Key("rope.scaling.yarn_beta_slow")) is { } slow) yarn["beta_slow"] = GgufConfig.Float(slow);
                return yarn;
            default:
                throw new GgufException(file.Path, $"{file.Path}: rope scaling '{type}' is not supported; supported are none, linear, yarn and llama3.", m.Key("rope.scaling.type"));
        }
    }

    private static JsonArray Values(GgufFile file, TensorInfo info)
    {
        var values = new float[info.Elements];
        GgufDequantizer.Dequantize(info.Type, file.Bytes(info), values);
        if (Array.FindIndex(values, v => !float.IsFinite(v)) is >= 0 and var at) throw new GgufException(file.Path, $"{file.Path}: {info.Name} holds {values[at]} at {at}; a finite number was expected.", info.Name);
        return new JsonArray([.. values.Select(v => GgufConfig.Float(v))]);
    }

    /// <summary>
    /// llama3 scaling is stored as one divisor a frequency. With x = 1 / wavelength the divisor is 1 where x is large, <c>factor</c> where it is small,
    /// and between them 1 / divisor is linear in x: (1 - s) / factor + s with s = (original * x - low) / (high - low). Only the ratios of original, low and
    /// high matter, so low is taken as 1, as every published model has it.
    /// </summary>
    private static JsonObject Llama3(GgufFile file, GgufMetadata m, TensorInfo info)
    {
        var divisors = new float[info.Elements];
        GgufDequantizer.Dequantize(info.Type, file.Bytes(info), divisors);
        double theta = m.Number(m.Key("rope.freq_base")) ?? 10000f, factor = divisors.Length == 0 ? 1 : divisors.Max();
        var between = Enumerable.Range(0, divisors.Length).Where(i => divisors[i] > 1.0001 && divisors[i] < factor * 0.9999).ToArray();
        double X(int i) => Math.Pow(theta, -(double)i / divisors.Length) / (2 * Math.PI);
        double S(int i) => (1 / (double)divisors[i] - 1 / factor) / (1 - 1 / factor);
        // With fewer than two values between, the published high of 4 and original of 8192 are tried; the check below decides.
        double high = 4, original = 8192;
        if (between.Length == 1) original = Math.Round((S(between[0]) * (high - 1) + 1) / X(between[0]));
        else if (between.Length > 1)
        {
            int first = between[0], last = between[^1];
            var slope = (S(first) - S(last)) / (X(first) - X(last));
            var width = -1 / (S(first) - slope * X(first)); // high - low, with low = 1
            (original, high) = (Math.Round(slope * width), Nearest(1 + width));
        }
        for (var i = 0; i < divisors.Length; i++)
        {
            var s = Math.Clamp((original * X(i) - 1) / (high - 1), 0, 1);
            var want = 1 / ((1 - s) / factor + s);
            if (!(Math.Abs(want - divisors[i]) <= 1e-3 * want))
                throw new GgufException(file.Path, $"{file.Path}: {GgufNames.RopeFactors} does not follow llama3 rope scaling (value {i} is {divisors[i]}, {want} was expected), which is not supported.", GgufNames.RopeFactors);
        }
        return new JsonObject { ["factor"] = GgufConfig.Float((float)Nearest(factor)), ["high_freq_factor"] = GgufConfig.Float((float)high), ["low_freq_factor"] = GgufConfig.Float(1), ["original_max_position_embeddings"] = (long)original, ["rope_type"] = "llama3" };
    }

    private static double Nearest(double value) => Math.Abs(value - Math.Round(value)) < 0.01 ? Math.Round(value) : value;
}
