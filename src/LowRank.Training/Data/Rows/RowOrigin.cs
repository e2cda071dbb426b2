namespace LowRank.Training.Data.Rows;

/// <summary>A file that rows come from, and how it was read: what the rows depend on.</summary>
/// <param name="Path">The file.</param>
/// <param name="Reading">The settings that decide what is read from it, as text.</param>
/// <param name="Content">The hash of its bytes where that is known already; see <see cref="FileHash"/>.</param>
internal sealed record RowOrigin(string Path, string Reading, byte[]? Content = null);
