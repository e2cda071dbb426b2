using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Planning;

/// <summary>Bytes of a model's weights in each precision, to the byte.</summary>
public static class BaseBytes
{
    /// <summary>Weights that share a scale, as QLoRA and bitsandbytes have it.</summary>
    public const int BlockSize = 64;

    /// <summary>Scales that share a second scale with double quantization.</summary>
    public const int NestedBlockSize = FourBitParts.NestedBlockSize;

    /// <summary>Bytes of the whole base.</summary>
    /// <param name="model">Its sizes.</param>
    /// <param name="precision">How the linear layers are held.</param>
    /// <param name="unquantizedBytes">Bytes of a parameter that is not quantized: 2 in 16 bits.</param>
    public static long Of(ModelShape model, BasePrecision precision, int unquantizedBytes = 2)
    {
        ArgumentNullException.ThrowIfNull(model);
        return precision switch
        {
            BasePrecision.Fp32 => model.Parameters * 4,
            BasePrecision.Bf16 => model.Parameters * unquantizedBytes,
            _ => Nf4(model, precision == BasePrecision.Nf4Double) + model.UnquantizedParameters * unquantizedBytes,
        };
    }

    /// <summary>Bytes of the linear layers of all layers in NF4: codes and scales, as bitsandbytes stores them; its code tables are not counted.</summary>
    /// <param name="model">The model's sizes.</param>
    /// <param name="doubleQuantization">Whether the scales are quantized to 8 bits in blocks of 256.</param>
    /// <param name="blockSize">Weights that share a scale.</param>
    public static long Nf4(ModelShape model, bool doubleQuantization, int blockSize = BlockSize)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.LayerLinears.Sum(layer => layer.Where(l => l.Role != LinearRole.Router).Sum(l => Nf4(l.Weights, doubleQuantization, blockSize)));
    }

    /// <summary>Bytes of one weight in NF4: half a byte an element, 4 bytes a block; or 1 byte a block, 4 bytes for 256 blocks and an offset of 4.</summary>
    public static long Nf4(long weights, bool doubleQuantization, int blockSize = BlockSize)
    {
        long codes = (weights + 1) / 2, blocks = (weights + blockSize - 1) / blockSize;
        return codes + (doubleQuantization ? blocks + (blocks + NestedBlockSize - 1) / NestedBlockSize * sizeof(float) + sizeof(float) : blocks * sizeof(float));
    }
}
