using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace LowRank.Models.Generation;

/// <summary>
/// Runs a generation on a thread of its own and hands its pieces to whoever enumerates, so that no tensor, dispose scope or grad mode crosses an await.
/// A reader that is slow holds the generation up; one that stops reading ends it.
/// </summary>
internal static class GenerationThread
{
    /// <summary>Pieces that may wait for the reader.</summary>
    private const int Ahead = 64;

    /// <summary>The pieces that <paramref name="work"/> gives.</summary>
    /// <param name="work">Gives pieces to its first argument until it is done or cancelled.</param>
    /// <param name="cancellation">Ends the work; the reader then gets an <see cref="OperationCanceledException"/>.</param>
    public static async IAsyncEnumerable<string> Stream(Action<Action<string>, CancellationToken> work, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<string>(new BoundedChannelOptions(Ahead) { SingleReader = true, SingleWriter = true });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var token = stop.Token;
        var working = Run<object?>(() =>
        {
            try
            {
                work(piece =>
                {
                    if (!channel.Writer.TryWrite(piece)) channel.Writer.WriteAsync(piece, token).AsTask().GetAwaiter().GetResult();
                }, token);
                channel.Writer.Complete();
            }
            catch (Exception error)
            {
                channel.Writer.Complete(error is OperationCanceledException && cancellation.IsCancellationRequested ? new OperationCanceledException(cancellation) : error);
            }
            return null;
        });
        try
        {
            // Not with the token: what was generated before the cancellation is still to be read.
            await foreach (var piece in channel.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)) yield return piece;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await working.ConfigureAwait(false);
        }
    }

    /// <summary>Runs <paramref name="work"/> on a thread of its own.</summary>
    public static Task<T> Run<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                result.SetResult(work());
            }
            catch (OperationCanceledException cancelled)
            {
                result.SetCanceled(cancelled.CancellationToken);
            }
            catch (Exception error)
            {
                result.SetException(error);
            }
        })
        { IsBackground = true, Name = "LowRank generation" }.Start();
        return result.Task;
    }
}
