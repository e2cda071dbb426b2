using LowRank.Layers;
using static TorchSharp.torch;

namespace LowRank.Adapters.Initialization.Eva;

/// <summary>A module whose inputs are looked at, and what is known of them.</summary>
internal sealed class EvaPlace
{
    private float[] cosines = [];

    /// <param name="target">The module, with its rank.</param>
    /// <param name="slot">Where it stands.</param>
    /// <param name="rho">The most that its rank may be, as a multiple.</param>
    public EvaPlace(AdapterTarget target, LinearSlot slot, double rho)
    {
        (Target, Slot, Shared) = (target, slot, this);
        Most = (int)Math.Min(Math.Round(target.Rank * rho, MidpointRounding.ToEven), target.Module.InFeatures);
    }

    /// <summary>The module, with its rank.</summary>
    public AdapterTarget Target { get; }

    /// <summary>Where it stands.</summary>
    public LinearSlot Slot { get; }

    /// <summary>The module's dotted name.</summary>
    public string Name => Target.Module.Name;

    /// <summary>The module that is decomposed for this one: itself, or the first that reads the same input.</summary>
    public EvaPlace Shared { get; private set; }

    /// <summary>The most directions that are kept of its input.</summary>
    public int Most { get; private set; }

    /// <summary>The directions; null before the first batch, and where <see cref="Shared"/> is another.</summary>
    public IncrementalPca? Pca { get; private set; }

    /// <summary>Whether those that are needed stood nearly still in the last batch.</summary>
    public bool IsFound { get; private set; }

    /// <summary>Reads the same input as <paramref name="other"/>, which is null where nobody did before.</summary>
    public void Share(EvaPlace? other)
    {
        if (other is null) return;
        Shared = other;
        Most = other.Most = Math.Max(Most, other.Most);
    }

    /// <summary>Takes a batch of inputs, fp32 <c>[tokens, in]</c>.</summary>
    public void Add(Tensor rows) => cosines = (Pca ??= new IncrementalPca(Most)).Add(rows);

    /// <summary>Tells whether the first directions, so many as are <paramref name="needed"/>, have turned by less than <paramref name="tau"/> allows.</summary>
    public void Judge(int needed, double tau) => IsFound = cosines.Length >= needed && cosines.Take(needed).All(c => c >= tau);

    /// <summary>The first <paramref name="rank"/> directions, <c>[rank, in]</c>, the caller's.</summary>
    public Tensor Directions(int rank, bool whitens)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var rows = Pca!.Directions!.narrow(0, 0, rank);
        return (whitens ? rows / Pca.SingularValues!.narrow(0, 0, rank).sqrt().unsqueeze(1) : rows.clone()).DetachFromDisposeScope();
    }
}
