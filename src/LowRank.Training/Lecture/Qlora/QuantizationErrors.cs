using System.Runtime.InteropServices;
using LowRank.Formats;
using LowRank.Layers;
using LowRank.Quantization;
using LowRank.Training.Lecture.Laboratory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Qlora;

/// <summary>How far 4-bit weights are from those they stand for: root of the mean squared error by root mean square of the weights, over all linear layers of a model.</summary>
/// <param name="Nf4">NF4 with fp32 scales.</param>
/// <param name="Nf4Double">NF4 with double quantization.</param>
/// <param name="Fp4">FP4 with fp32 scales.</param>
/// <param name="Int4">Plain whole numbers with fp32 scales.</param>
internal sealed record QuantizationErrors(double Nf4, double Nf4Double, double Fp4, double Int4)
{
    private const int BlockSize = 64;

    /// <summary>Measures the laboratory's model.</summary>
    public static QuantizationErrors Of(LectureLaboratory laboratory)
    {
        using var model = laboratory.Load();
        var (errors, size) = (new double[4], 0.0);
        foreach (var slot in model.Decoder.Slots.OfType<LinearSlot>().Where(s => !s.IsHead))
        {
            var weight = slot.FrozenBase().Weight;
            using var exact = weight.Dequantize(0, weight.OutFeatures);
            using var rounded = exact.clone();
            var values = MemoryMarshal.Cast<byte, float>(exact.bytes);
            var plain = MemoryMarshal.Cast<byte, float>(rounded.bytes);
            PlainInt4.RoundTrip(plain, BlockSize);
            errors[0] += Error(exact, slot.Name, FourBitType.Nf4, isDouble: false);
            errors[1] += Error(exact, slot.Name, FourBitType.Nf4, isDouble: true);
            errors[2] += Error(exact, slot.Name, FourBitType.Fp4, isDouble: false);
            errors[3] += SquaredError(values, plain);
            foreach (var v in values) size += (double)v * v;
        }
        return new QuantizationErrors(Math.Sqrt(errors[0] / size), Math.Sqrt(errors[1] / size), Math.Sqrt(errors[2] / size), Math.Sqrt(errors[3] / size));
    }

    private static unsafe double Error(Tensor exact, string name, FourBitType type, bool isDouble)
    {
        var options = new FourBitOptions { Type = type, BlockSize = BlockSize, DoubleQuantization = isDouble };
        fixed (byte* data = exact.bytes)
        {
            using var quantized = FourBitWeight.Quantize(data, TensorType.F32, exact.shape[0], exact.shape[1], options, name);
            using var back = quantized.Dequantize(0, exact.shape[0]);
            return SquaredError(MemoryMarshal.Cast<byte, float>(exact.bytes), MemoryMarshal.Cast<byte, float>(back.bytes));
        }
    }

    private static double SquaredError(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++) sum += (double)(a[i] - b[i]) * (a[i] - b[i]);
        return sum;
    }
}
