using System.Text.Json.Nodes;
using LowRank.Formats;
using LowRank.Models.Families;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Tests;

/// <summary>Makes a Hugging Face folder as <see cref="TinyModel"/> does, of any family that LowRank knows.</summary>
internal static class TinyFamily
{
    /// <summary>Writes the folder of a tiny model of another family and returns it.</summary>
    public static string Create(string family, string folder)
    {
        var json = JsonNode.Parse($$"""
            {"model_type": "{{family}}", "vocab_size": {{TinyModel.Vocabulary}}, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
             "max_position_embeddings": 256, "sliding_window": 32, "eos_token_id": 0, "torch_dtype": "float32", "head_dim": 8, "query_pre_attn_scalar": 8,
             "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "partial_rotary_factor": 0.5, "no_rope_layer_interval": 2,
             "n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 256}
            """)!.AsObject();
        var shape = ModelShape.Read(new ModelConfig(json, family));
        var tensors = new List<(string Name, TensorType Type, long[] Shape)>();
        void Add(string name, params long[] of) => tensors.Add((name, TensorType.F32, of));
        void Norm(string name, NormShape norm)
        {
            Add($"{name}.weight", norm.Features);
            if (norm.HasBias) Add($"{name}.bias", norm.Features);
        }
        Add($"{shape.Names.Embedding}.weight", TinyModel.Vocabulary, shape.Hidden);
        if (shape.PositionWeights > 0) Add($"{shape.Names.Positions}.weight", shape.MaxPositions, shape.Hidden);
        for (var i = 0; i < shape.Layers; i++)
        {
            var at = string.Format(System.Globalization.CultureInfo.InvariantCulture, shape.Names.Layer, i);
            foreach (var linear in shape.LayerLinears[i])
            {
                Add($"{at}.{linear.Name}.weight", shape.TransposedWeights ? [linear.In, linear.Out] : [linear.Out, linear.In]);
                if (linear.HasBias) Add($"{at}.{linear.Name}.bias", linear.Out);
            }
            foreach (var norm in shape.Norms) Norm($"{at}.{norm.Name}", norm);
        }
        Norm(shape.FinalNorm.Name, shape.FinalNorm);
        if (!shape.TiedHead) Add($"{shape.Names.Head}.weight", TinyModel.Vocabulary, shape.Hidden);
        return TinyModel.Write(folder, json, tensors, seed: 1);
    }
}
