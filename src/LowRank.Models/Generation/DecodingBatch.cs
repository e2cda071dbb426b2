using System.Runtime.InteropServices;
using LowRank.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Models.Generation;

/// <summary>
/// Sequences that grow together over one key-value cache, each from its own length. Tokens of rows with fewer new ones are padded on the right: what the
/// padding leaves in the cache stands beyond the row's length, where it is masked until the row's next tokens overwrite it.
/// </summary>
internal sealed class DecodingBatch : IDisposable
{
    /// <summary>Tokens of one pass: enough for full speed, and a bound for activations and masks of long prompts.</summary>
    private const int TokensInPass = 2048;

    /// <summary>A shorter common beginning is not worth a pass of its own.</summary>
    private const int WorthSharing = 8;

    private readonly CausalLM model;
    private readonly KvCache cache;
    private readonly long? shortContext;
    private int[] lengths;
    // Whether a row's cache was computed with the frequencies of sequences beyond the short context.
    private bool[] isBeyond;
    // The tokens of each row, kept only where the cache of one has to be computed anew when it grows over the short context.
    private List<int>[] tokensOf;
    private Tensor? logits;

    /// <summary>Rows without tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">How many.</param>
    /// <param name="capacity">Places to allocate at first; it grows as needed.</param>
    public DecodingBatch(CausalLM model, int rows, int capacity)
    {
        this.model = model;
        lengths = new int[rows];
        shortContext = model.Spec.Ropes.Select(r => r?.Scaling.ShortContext).FirstOrDefault(c => c is not null);
        isBeyond = new bool[rows];
        tokensOf = [.. lengths.Select(_ => new List<int>())];
        cache = new KvCache(model.Spec, rows, capacity, model.ActivationType, model.Device);
    }

    /// <summary>Takes in whole prompts; the logits are then those after each. What all prompts begin with is computed once.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">One for each row.</param>
    /// <param name="newTokens">Tokens that are likely to follow.</param>
    public static DecodingBatch Prefill(CausalLM model, IReadOnlyList<int[]> prompts, int newTokens)
    {
        // Rows on either side of the short context, or with adapters of their own, have other keys from the first token on.
        var isMixed = model.RowsDiffer?.Invoke() == true || model.Spec.Ropes.Any(r => r?.Scaling.ShortContext is { } most && prompts.Any(p => p.Length > most) && prompts.Any(p => p.Length <= most));
        var shared = prompts.Count == 1 || isMixed ? 0 : CommonBeginning(prompts);
        if (shared < WorthSharing) shared = 0;
        var capacity = checked(prompts.Max(p => p.Length) + Math.Min(newTokens, 64));
        var batch = new DecodingBatch(model, shared > 0 ? 1 : prompts.Count, capacity);
        try
        {
            if (shared > 0)
            {
                batch.Append([prompts[0].AsMemory(0, shared)], wantLogits: false, eventually: prompts.Min(p => p.Length));
                batch.Keep(new int[prompts.Count]);
            }
            batch.Append([.. prompts.Select(p => (ReadOnlyMemory<int>)p.AsMemory(shared))]);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>Tokens of each row.</summary>
    public ReadOnlySpan<int> Lengths => lengths;

    /// <summary>The logits after a row's last token, <c>[vocabulary]</c>; they may be changed, and are gone with the next call.</summary>
    public Span<float> Logits(int row)
    {
        var all = MemoryMarshal.Cast<byte, float>(logits!.bytes);
        var vocabulary = all.Length / lengths.Length;
        return all.Slice(row * vocabulary, vocabulary);
    }

    /// <summary>Appends to each row its new tokens, at least one.</summary>
    /// <param name="tokens">The tokens of each row.</param>
    /// <param name="wantLogits">Whether the logits after them are asked for.</param>
    /// <param name="eventually">The length that each row will have at least, as far as that is known: its rope may depend on it.</param>
    public void Append(IReadOnlyList<ReadOnlyMemory<int>> tokens, bool wantLogits = true, int eventually = 0)
    {
        var reached = new long[lengths.Length];
        for (var row = 0; row < reached.Length; row++) reached[row] = Math.Max(eventually, lengths[row] + tokens[row].Length);
        if (shortContext is { } most) tokens = WithThoseOfOtherFrequencies(tokens, reached, most);
        var (rows, width, end) = (lengths.Length, tokens.Max(t => t.Length), 0);
        foreach (var length in lengths) end = Math.Max(end, length + width);
        Reserve(end);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var last = new Tensor[rows];
        var chunk = Math.Clamp(TokensInPass / rows, 1, width);
        for (var start = 0; start < width; start += chunk)
        {
            using var passScope = NewDisposeScope();
            using var input = Input(tokens, start, Math.Min(chunk, width - start), reached);
            var hidden = model.Hidden(input);
            for (var row = 0; row < rows; row++)
                if (tokens[row].Length - 1 - start is >= 0 and var at && at < hidden.shape[1])
                    last[row] = (width == 1 ? hidden[row, at] : hidden[row, at].clone()).MoveToOuterDisposeScope();
        }
        for (var row = 0; row < rows; row++) lengths[row] += tokens[row].Length;
        logits?.Dispose();
        logits = wantLogits ? model.Logits(rows == 1 ? last[0].unsqueeze(0) : stack(last)).cpu().contiguous().DetachFromDisposeScope() : null;
    }

    /// <summary>Goes on with these rows only, in this order; a row may be named more than once.</summary>
    public void Keep(int[] rows)
    {
        logits?.Dispose();
        logits = null;
        lengths = Array.ConvertAll(rows, r => lengths[r]);
        tokensOf = Array.ConvertAll(rows, r => new List<int>(tokensOf[r]));
        isBeyond = Array.ConvertAll(rows, r => isBeyond[r]);
        cache.Rearrange(Array.ConvertAll(rows, r => (long)r), cache.Capacity, lengths.Max());
    }

    /// <summary>Forgets the tokens of the only row from this length on.</summary>
    public void Truncate(int length) => lengths[0] = Math.Min(lengths[0], length);

    // A row that passes the short context, or comes back into it, is computed anew from its first token, as transformers does: with other frequencies all its keys differ.
    private ReadOnlyMemory<int>[] WithThoseOfOtherFrequencies(IReadOnlyList<ReadOnlyMemory<int>> tokens, long[] reached, long most)
    {
        var all = new ReadOnlyMemory<int>[lengths.Length];
        for (var row = 0; row < all.Length; row++)
        {
            var kept = tokensOf[row];
            kept.RemoveRange(lengths[row], kept.Count - lengths[row]);
            kept.AddRange(tokens[row].Span);
            var beyond = reached[row] > most;
            (all[row], lengths[row]) = lengths[row] > 0 && beyond != isBeyond[row] ? (kept.ToArray(), 0) : (tokens[row], lengths[row]);
            isBeyond[row] = beyond;
        }
        return all;
    }

    private DecoderInput Input(IReadOnlyList<ReadOnlyMemory<int>> tokens, int start, int count, long[] reached)
    {
        var (ids, positions) = (new long[lengths.Length * count], new long[lengths.Length * count]);
        for (var row = 0; row < lengths.Length; row++)
        {
            var own = tokens[row].Span;
            for (var i = 0; i < count; i++)
            {
                if (start + i < own.Length) ids[row * count + i] = own[start + i];
                positions[row * count + i] = lengths[row] + start + i;
            }
        }
        return DecoderInput.Continued(ids, positions, cache, reached, model.Device);
    }

    // Twice the room each time, so that copying stays a constant share of the work.
    private void Reserve(int places)
    {
        if (places <= cache.Capacity) return;
        var identity = new long[lengths.Length];
        for (var i = 0; i < identity.Length; i++) identity[i] = i;
        cache.Rearrange(identity, Math.Max(places, Math.Min(2 * cache.Capacity, model.Spec.MaxPositions)), lengths.Max());
    }

    // At least one token of each prompt is left, for its logits.
    private static int CommonBeginning(IReadOnlyList<int[]> prompts)
    {
        var common = prompts.Min(p => p.Length) - 1;
        foreach (var prompt in prompts) common = Math.Min(common, prompt.AsSpan(0, common).CommonPrefixLength(prompts[0].AsSpan(0, common)));
        return common;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        logits?.Dispose();
        cache.Dispose();
    }
}
