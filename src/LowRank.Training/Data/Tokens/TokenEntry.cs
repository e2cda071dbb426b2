using System.Runtime.InteropServices;

namespace LowRank.Training.Data.Tokens;

/// <summary>A row in a token file: where its tokens are, and what is known without reading them.</summary>
/// <param name="Offset">The first byte of its tokens, from the start of the file.</param>
/// <param name="Length">Its tokens; -1 for a row without an example.</param>
/// <param name="SupervisedTokens">How many of them the loss counts.</param>
/// <param name="LostTokens">Tokens cut off.</param>
/// <param name="LostSupervisedTokens">Tokens to learn among them.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TokenEntry(long Offset, int Length, int SupervisedTokens, int LostTokens, int LostSupervisedTokens);
