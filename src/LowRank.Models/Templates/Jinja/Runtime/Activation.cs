using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Runtime;

/// <summary>The variables of one running function of a template, and of the functions around it.</summary>
internal sealed class Activation
{
    public Activation(int slots, Activation? outer)
    {
        Slots = new object?[slots];
        Array.Fill(Slots, Missing.Value);
        Outer = outer;
    }

    public object?[] Slots { get; }
    public Activation? Outer { get; }
}
