namespace LowRank.Adapters;

/// <summary>A TorchSharp module on which <see cref="LoraInjector"/> cannot work. The message names the layers and says what to change.</summary>
public sealed class LoraInjectionException : LowRankException
{
    /// <summary>An error about layers of a module.</summary>
    /// <param name="message">What is wrong, and what to do.</param>
    /// <param name="modules">The dotted names of the layers at fault.</param>
    public LoraInjectionException(string message, IReadOnlyList<string> modules) : base(message) => Modules = modules;

    /// <summary>The dotted names of the layers at fault.</summary>
    public IReadOnlyList<string> Modules { get; }
}
