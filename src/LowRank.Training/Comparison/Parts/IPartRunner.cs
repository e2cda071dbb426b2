namespace LowRank.Training.Comparison.Parts;

/// <summary>Where parts are done: in this process, or each in one of its own, whose peak of memory is then its own too.</summary>
internal interface IPartRunner
{
    /// <summary>Does a part to its end.</summary>
    /// <param name="request">The path of the request; the result stands beside it afterwards.</param>
    /// <param name="tell">Is told how far it is.</param>
    /// <param name="cancellation">Ends it without a result.</param>
    /// <exception cref="LowRankException">It failed; the message says why.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task RunAsync(string request, Action<PartProgress> tell, CancellationToken cancellation);
}
