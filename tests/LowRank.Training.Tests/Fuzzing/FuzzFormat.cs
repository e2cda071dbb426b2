using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing;

/// <summary>A format of files that a person may hand to LowRank: makes damaged ones and reads them as LowRank does.</summary>
/// <param name="name">What it is called in reports, and to ask for it alone.</param>
internal abstract class FuzzFormat(string name)
{
    /// <summary>What it is called.</summary>
    public string Name => name;

    /// <summary>A damaged file. Most are sound where a reader looks first, so that what lies behind is reached.</summary>
    public abstract byte[] Make(FuzzRandom random);

    /// <summary>Reads a file to the end. Calls <see cref="FuzzInput.PassHeader"/> once its outermost form was accepted, whatever becomes of the rest.</summary>
    public abstract void Read(FuzzInput input);

    /// <inheritdoc/>
    public override string ToString() => name;
}
