using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Normalization;

/// <summary>A <c>normalizer</c> of tokenizer.json. Immutable; used by many threads at once.</summary>
internal abstract class Normalizer
{
    /// <summary>Rewrites one piece of text.</summary>
    public abstract void Apply(NormalizedText text);

    /// <summary>Whether <see cref="Apply"/> would surely change nothing; when in doubt, false.</summary>
    public virtual bool LeavesAlone(ReadOnlySpan<byte> text) => false;
}

/// <summary>Several normalizers, one after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<Normalizer> parts) : Normalizer
{
    /// <inheritdoc/>
    public override void Apply(NormalizedText text)
    {
        foreach (var part in parts) part.Apply(text);
    }

    /// <inheritdoc/>
    public override bool LeavesAlone(ReadOnlySpan<byte> text)
    {
        foreach (var part in parts)
            if (!part.LeavesAlone(text)) return false;
        return true;
    }
}
