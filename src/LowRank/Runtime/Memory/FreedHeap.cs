namespace LowRank.Runtime.Memory;

/// <summary>
/// Keeps the C library's heap from growing over the steps of a run. Tensors below a megabyte lie in it (<see cref="MallocTuning"/>); batches of ever other widths leave holes that fit
/// nobody, and 14 steps of SmolLM2 at batch 4 took 15 % more memory at the last than at the first. Giving all free pages back after a step mends it, but their way back costs a page
/// fault each (some 50 ms for 200 MB): done only when a step has left more behind than the step after the last return did.
/// </summary>
internal sealed class FreedHeap
{
    /// <summary>By how much the resident memory between steps may grow before pages are given back.</summary>
    private const double Tolerated = 1.04;

    private long? baseline;
    private bool isFresh = true;

    /// <summary>Gives freed pages back where too many have gathered.</summary>
    /// <param name="residentBytes">Resident memory after a step.</param>
    public void ReturnIfDue(long residentBytes)
    {
        if (isFresh)
        {
            // The first step after a return: what it leaves is what a step leaves.
            baseline = residentBytes;
            isFresh = false;
        }
        else if (residentBytes > baseline * Tolerated)
        {
            MallocTuning.ReturnFreedPages();
            isFresh = true;
        }
    }
}
