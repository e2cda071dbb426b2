namespace LowRank.Models.Decoder;

/// <summary>Rotary position embedding and its scaling to longer contexts.</summary>
/// <param name="Theta">The base of the frequencies.</param>
/// <param name="Size">Number of rotated dimensions of a head.</param>
/// <param name="Scaling">How frequencies are scaled.</param>
public sealed record RopeSpec(double Theta, long Size, RopeScaling Scaling)
{
    /// <summary>The inverse frequencies, <c>[size / 2]</c>, rounded to fp32 as Hugging Face keeps them.</summary>
    /// <param name="beyondShort">Whether they are those of a sequence beyond <see cref="RopeScaling.ShortContext"/>.</param>
    public float[] InverseFrequencies(bool beyondShort = false) => Scaling.InverseFrequencies(Theta, Size, beyondShort);
}
