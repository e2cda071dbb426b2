using System.Net;

namespace LowRank.Training.Trackers;

/// <summary>A tracker's server did not answer, or refused.</summary>
internal sealed class TrackerServerException(string message, HttpStatusCode? status, string? body, Exception? inner = null) : LowRankException(message, inner)
{
    /// <summary>The status of the answer; null where there was none.</summary>
    public HttpStatusCode? Status { get; } = status;

    /// <summary>The answer, or null.</summary>
    public string? Body { get; } = body;

    /// <summary>Whether the same request may succeed later: nobody answered, or the server said that it is busy or broken.</summary>
    public bool IsPassing => Status is null or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;
}
