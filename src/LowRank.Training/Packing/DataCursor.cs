namespace LowRank.Training.Packing;

/// <summary>
/// How far training has come in its data. With the same examples and settings it restores the sequence of batches exactly: the order of
/// an epoch is a function of the seed and the epoch's number, so no state of a generator needs to be kept. Written as JSON.
/// </summary>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Batch">The batch that comes next in it, from 0.</param>
/// <param name="Data">A hash of all examples and of the settings that decide the order, by which other data are noticed.</param>
public sealed record DataCursor(int Epoch, int Batch, string Data);
