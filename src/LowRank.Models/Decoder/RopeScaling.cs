namespace LowRank.Models.Decoder;

/// <summary>A way to scale rope's frequencies, as <c>modeling_rope_utils.py</c> of transformers computes it.</summary>
public abstract record RopeScaling
{
    /// <summary>Factor of cosine and sine, which scales the attention scores by its square.</summary>
    public virtual double AttentionFactor => 1;

    /// <summary>The longest sequence, in tokens, for which the usual frequencies hold; all positions of a longer one take others. Null where it is all the same.</summary>
    public virtual long? ShortContext => null;

    /// <summary>The inverse frequencies for a base and a number of rotated dimensions.</summary>
    /// <param name="theta">The base.</param>
    /// <param name="size">The rotated dimensions.</param>
    /// <param name="beyondShort">Whether they are those of a sequence beyond <see cref="ShortContext"/>.</param>
    public float[] InverseFrequencies(double theta, long size, bool beyondShort = false)
    {
        var plain = new double[size / 2];
        for (var i = 0; i < plain.Length; i++) plain[i] = 1.0 / Math.Pow(theta, 2.0 * i / size);
        return Array.ConvertAll(beyondShort ? ScaleBeyondShort(plain, theta, size) : Scale(plain, theta, size), f => (float)f);
    }

    /// <summary>Scales the plain inverse frequencies.</summary>
    protected abstract double[] Scale(double[] plain, double theta, long size);

    /// <summary>Scales those of a sequence beyond <see cref="ShortContext"/>.</summary>
    protected virtual double[] ScaleBeyondShort(double[] plain, double theta, long size) => Scale(plain, theta, size);

    /// <summary>No scaling.</summary>
    public sealed record Default : RopeScaling
    {
        /// <inheritdoc/>
        protected override double[] Scale(double[] plain, double theta, long size) => plain;
    }

    /// <summary>Positions divided by a factor (<c>linear</c>).</summary>
    /// <param name="Factor">The divisor.</param>
    public sealed record Linear(double Factor) : RopeScaling
    {
        /// <inheritdoc/>
        protected override double[] Scale(double[] plain, double theta, long size) => Array.ConvertAll(plain, f => f / Factor);
    }

    /// <summary>Llama 3.1's: low frequencies divided, high ones kept, a smooth passage between (<c>llama3</c>).</summary>
    /// <param name="Factor">The divisor of low frequencies.</param>
    /// <param name="LowFrequencyFactor">The original context divided by this is the longest wavelength of the passage.</param>
    /// <param name="HighFrequencyFactor">The original context divided by this is its shortest wavelength.</param>
    /// <param name="OriginalPositions">Context before scaling, in tokens.</param>
    public sealed record Llama3(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, long OriginalPositions) : RopeScaling
    {
        /// <inheritdoc/>
        protected override double[] Scale(double[] plain, double theta, long size) => Array.ConvertAll(plain, f =>
        {
            var wavelength = 2 * Math.PI / f;
            if (wavelength < OriginalPositions / HighFrequencyFactor) return f;
            if (wavelength > OriginalPositions / LowFrequencyFactor) return f / Factor;
            var smooth = (OriginalPositions / wavelength - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
            return (1 - smooth) * f / Factor + smooth * f;
        });
    }

    /// <summary>YaRN (arXiv:2309.00071): a ramp between scaled and kept frequencies, and a factor of the scores (<c>yarn</c>).</summary>
    /// <param name="Factor">The divisor of low frequencies.</param>
    /// <param name="OriginalPositions">Context before scaling, in tokens.</param>
    /// <param name="BetaFast">Rotations within the context above which a frequency is kept.</param>
    /// <param name="BetaSlow">Rotations below which it is divided.</param>
    /// <param name="Truncate">Whether the ramp's ends are rounded to whole dimensions.</param>
    /// <param name="Attention">The factor of cosine and sine.</param>
    public sealed record Yarn(double Factor, long OriginalPositions, double BetaFast, double BetaSlow, bool Truncate, double Attention) : RopeScaling
    {
        /// <inheritdoc/>
        public override double AttentionFactor => Attention;

        /// <inheritdoc/>
        protected override double[] Scale(double[] plain, double theta, long size)
        {
            double Dimension(double rotations) => size * Math.Log(OriginalPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
            double low = Dimension(BetaFast), high = Dimension(BetaSlow);
            if (Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
            (low, high) = (Math.Max(low, 0), Math.Min(high, size - 1));
            if (low == high) high += 0.001;
            var scaled = new double[plain.Length];
            for (var i = 0; i < plain.Length; i++)
            {
                var keep = 1 - Math.Clamp((i - low) / (high - low), 0, 1);
                scaled[i] = plain[i] / Factor * (1 - keep) + plain[i] * keep;
            }
            return scaled;
        }
    }
    /// <summary>
    /// LongRoPE (arXiv:2402.13753): a divisor for each frequency, one list for sequences within the original context and one for longer ones (<c>longrope</c>, earlier <c>su</c>).
    /// </summary>
    /// <param name="Short">Divisors within the original context, one for each frequency.</param>
    /// <param name="Long">Divisors beyond it.</param>
    /// <param name="OriginalPositions">The original context, in tokens.</param>
    /// <param name="Attention">The factor of cosine and sine.</param>
    public sealed record LongRope(IReadOnlyList<double> Short, IReadOnlyList<double> Long, long OriginalPositions, double Attention) : RopeScaling
    {
        /// <inheritdoc/>
        public override double AttentionFactor => Attention;

        /// <inheritdoc/>
        public override long? ShortContext => OriginalPositions;

        /// <summary>Equal in every number.</summary>
        public bool Equals(LongRope? other) =>
            other is not null && Short.SequenceEqual(other.Short) && Long.SequenceEqual(other.Long) && OriginalPositions == other.OriginalPositions && Attention.Equals(other.Attention);

        /// <inheritdoc/>
        public override int GetHashCode() => HashCode.Combine(Short.Count, Long.Count, OriginalPositions, Attention);

        /// <inheritdoc/>
        protected override double[] Scale(double[] plain, double theta, long size) => Divided(plain, Short);

        /// <inheritdoc/>
        protected override double[] ScaleBeyondShort(double[] plain, double theta, long size) => Divided(plain, Long);

        private static double[] Divided(double[] plain, IReadOnlyList<double> divisors) => [.. plain.Select((f, i) => f / divisors[i])];
    }
}
