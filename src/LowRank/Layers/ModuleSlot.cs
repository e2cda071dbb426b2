namespace LowRank.Layers;

/// <summary>A named place in a model that holds a layer, which adapters may replace. The name is the module's dotted name in Hugging Face's model.</summary>
/// <param name="name">The dotted name, such as <c>model.layers.0.self_attn.q_proj</c>.</param>
public abstract class ModuleSlot(string name) : IDisposable
{
    /// <summary>The dotted name.</summary>
    public string Name { get; } = name;

    /// <summary>The last part of the name.</summary>
    public string ShortName { get; } = name[(name.LastIndexOf('.') + 1)..];

    /// <summary>Whether anything in this place is trained, so that a backward pass has to come here.</summary>
    public abstract bool IsTrained { get; }

    /// <inheritdoc/>
    public abstract void Dispose();
}
