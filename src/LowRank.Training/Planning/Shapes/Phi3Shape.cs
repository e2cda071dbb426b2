using LowRank.Models.Decoder;
using LowRank.Models.Families;

namespace LowRank.Training.Planning.Shapes;

/// <summary>The sizes of Phi-3: q, k and v in one matrix, gate and up in another. LowRank counts the family but cannot load it yet, so <see cref="ModelFamilies"/> does not have it.</summary>
internal static class Phi3Shape
{
    /// <summary>The <c>model_type</c> of its configurations.</summary>
    public const string ModelType = "phi3";

    /// <summary>Reads a configuration.</summary>
    public static ModelShape Read(ModelConfig config)
    {
        var shape = ModelShape.Of(CommonFields.Read(config));
        var fused = shape.QueryWidth + 2 * shape.KeyValueHeads * shape.HeadSize;
        return shape with
        {
            // The order of transformers' modules.
            Linears =
            [
                new("self_attn.o_proj", shape.QueryWidth, shape.Hidden, false),
                new("self_attn.qkv_proj", shape.Hidden, fused, false),
                new("mlp.gate_up_proj", shape.Hidden, 2 * shape.Intermediate, false),
                new("mlp.down_proj", shape.Intermediate, shape.Hidden, false),
            ],
        };
    }
}
