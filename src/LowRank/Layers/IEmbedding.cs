using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Layers;

/// <summary>A table of token vectors as the models of LowRank hold it: frozen, adapted or trained.</summary>
public interface IEmbedding : IDisposable
{
    /// <summary>Number of rows: the vocabulary.</summary>
    long Rows { get; }

    /// <summary>Length of a row: the hidden size.</summary>
    long Features { get; }

    /// <summary>The vectors of <paramref name="ids"/> <c>[batch, sequence]</c> as <c>[batch, sequence, features]</c> in <paramref name="dtype"/>.</summary>
    Tensor Forward(Tensor ids, ScalarType dtype);
}
