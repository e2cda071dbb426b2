using System.Runtime.InteropServices;

namespace LowRank.Training.Data.Tokens;

/// <summary>An answer of a row in a token file: where its tokens are, and what is known without reading them.</summary>
/// <param name="Offset">The first byte of its tokens, from the start of the file.</param>
/// <param name="Length">Its tokens; -1 for a row without an example, and for the second answer of a row with one.</param>
/// <param name="SupervisedTokens">How many of them the loss counts.</param>
/// <param name="LostTokens">Tokens cut off.</param>
/// <param name="LostSupervisedTokens">Tokens to learn among them.</param>
/// <param name="Label">1 for an answer that is judged good, 0 for one that is judged bad, -1 for one that is not judged.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TokenEntry(long Offset, int Length, int SupervisedTokens, int LostTokens, int LostSupervisedTokens, int Label)
{
    /// <summary>Whether the answer is a good one, where it was judged.</summary>
    public bool? IsGood => Label < 0 ? null : Label == 1;
}
