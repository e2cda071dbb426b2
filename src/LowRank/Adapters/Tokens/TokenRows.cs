using LowRank.Layers;
using LowRank.Runtime.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Adapters.Tokens;

/// <summary>Trained rows of a token table, which stand in place of the frozen ones (PEFT's trainable tokens): an embedding and the head tied to it may share them.</summary>
internal sealed class TokenRows : IDisposable
{
    private readonly Tensor places;
    private readonly Tensor tokens;

    /// <summary>Takes the rows of <paramref name="tokens"/> from a parameter, which this object owns.</summary>
    /// <param name="rows">The rows, <c>[tokens, width]</c>.</param>
    /// <param name="tokens">Which rows of the table they are.</param>
    /// <param name="vocabulary">Rows of the table.</param>
    public TokenRows(TrainableParameter rows, IReadOnlyList<int> tokens, long vocabulary)
    {
        Rows = rows;
        using var scope = NewDisposeScope();
        var place = new long[vocabulary];
        Array.Fill(place, -1);
        for (var i = 0; i < tokens.Count; i++) place[tokens[i]] = i;
        places = tensor(place, device: rows.Value.device).DetachFromDisposeScope();
        this.tokens = tensor(tokens.Select(t => (long)t).ToArray(), device: rows.Value.device).DetachFromDisposeScope();
    }

    /// <summary>The rows, <c>[tokens, width]</c>.</summary>
    public TrainableParameter Rows { get; }

    /// <summary>The vectors of <paramref name="ids"/> <c>[batch, sequence]</c>: <paramref name="vectors"/> <c>[batch, sequence, width]</c>, with the trained rows in place of those of their tokens.</summary>
    public Tensor Replace(Tensor ids, Tensor vectors)
    {
        using var scope = NewDisposeScope();
        var at = places.index_select(0, ids.reshape(-1));
        var trained = Rows.Value.index_select(0, at.clamp_min(Scalars.Of(0))).to(vectors.dtype);
        var isTrained = (at >= Scalars.Of(0)).unsqueeze(1);
        return where(isTrained, trained, vectors.reshape(-1, vectors.shape[^1])).view(vectors.shape).MoveToOuterDisposeScope();
    }

    /// <summary>Logits <c>[.., vocabulary]</c> of <paramref name="x"/> <c>[.., width]</c> with those of the trained rows in place of <paramref name="logits"/>.</summary>
    /// <param name="x">The head's input.</param>
    /// <param name="logits">The logits of the frozen head.</param>
    /// <param name="bias">The head's bias, or null.</param>
    public Tensor ReplaceLogits(Tensor x, Tensor logits, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var own = x.to(ScalarType.Float32).matmul(Rows.Value.t());
        if (bias is not null) own = own.add(bias.index_select(0, tokens), Scalars.One);
        return logits.index_copy(-1, tokens, own.to(logits.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>Writes the trained rows into a table <c>[vocabulary, width]</c>.</summary>
    public void Merge(Tensor table)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        table.index_copy_(0, tokens, Rows.Value.detach().to(table.dtype));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Rows.Dispose();
        places.Dispose();
        tokens.Dispose();
    }
}
