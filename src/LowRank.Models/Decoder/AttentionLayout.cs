using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Decoder;

/// <summary>
/// Who may attend to whom in a batch: causal always; within one packed sequence where <c>sequenceIds</c> are given; only to places before a row's
/// own position where a cache is read. Masks are made once a batch for each kind of window, not once a layer.
/// </summary>
public sealed class AttentionLayout : IDisposable
{
    private readonly Func<int?, Tensor?> build;
    private readonly Dictionary<int, Tensor?> masks = [];

    private AttentionLayout(Func<int?, Tensor?> build) => this.build = build;

    /// <summary>Rows that each hold one sequence from position 0, padded on the right if at all: causality alone keeps the padding out.</summary>
    /// <param name="length">Tokens in a row.</param>
    /// <param name="device">The device of the masks.</param>
    public static AttentionLayout Causal(long length, Device? device = null) => new(window =>
    {
        if (window is not { } w || w >= length) return null;
        using var scope = NewDisposeScope();
        var query = arange(length, device: device).unsqueeze(1);
        var key = arange(length, device: device).unsqueeze(0);
        return Additive((key <= query) & (query - key < w)).unsqueeze(0).unsqueeze(0).MoveToOuterDisposeScope();
    });

    /// <summary>Rows that pack several sequences: attention stays within one (block-diagonal).</summary>
    /// <param name="sequenceIds"><c>[batch, sequence]</c>: equal numbers mark one sequence; padding has a number of its own.</param>
    public static AttentionLayout Packed(Tensor sequenceIds) => new(window =>
    {
        using var scope = NewDisposeScope();
        var place = arange(sequenceIds.shape[1], device: sequenceIds.device);
        var allowed = (place.unsqueeze(0) <= place.unsqueeze(1)) & (sequenceIds.unsqueeze(-1) == sequenceIds.unsqueeze(-2));
        if (window is { } w) allowed = allowed & (place.unsqueeze(1) - place.unsqueeze(0) < w);
        return Additive(allowed).unsqueeze(1).MoveToOuterDisposeScope();
    });

    /// <summary>New tokens at <paramref name="positions"/> over a cache whose place p holds position p.</summary>
    /// <param name="positions"><c>[batch, new tokens]</c>.</param>
    /// <param name="used">Places of the cache that are read.</param>
    public static AttentionLayout Cached(Tensor positions, long used) => new(window =>
    {
        using var scope = NewDisposeScope();
        var key = arange(used, device: positions.device);
        var query = positions.unsqueeze(-1);
        var allowed = key <= query;
        if (window is { } w) allowed = allowed & (query - key < w);
        return Additive(allowed).unsqueeze(1).MoveToOuterDisposeScope();
    });

    /// <summary>
    /// The mask for layers with this window: <c>[batch or 1, 1, queries, keys]</c>, 0 where attention is allowed and −∞ where not; null where plain causality
    /// is all. It belongs to the layout.
    /// </summary>
    internal Tensor? Mask(int? window)
    {
        var key = window ?? -1;
        if (!masks.TryGetValue(key, out var mask)) masks[key] = mask = build(window)?.DetachFromDisposeScope();
        return mask;
    }

    private static Tensor Additive(Tensor allowed) => zeros(allowed.shape, ScalarType.Float32, allowed.device).masked_fill_(~allowed, double.NegativeInfinity);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var mask in masks.Values) mask?.Dispose();
        masks.Clear();
    }
}
