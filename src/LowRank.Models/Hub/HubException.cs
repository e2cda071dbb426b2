using System.Net;

namespace LowRank.Models.Hub;

/// <summary>A repository that could not be brought from the hub: not found, gated, no network, or a damaged download.</summary>
public sealed class HubException : LowRankException
{
    /// <summary>Creates the error.</summary>
    /// <param name="id">The hub id.</param>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="status">The status that the hub answered, where it answered.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public HubException(HubId id, string message, HttpStatusCode? status = null, Exception? inner = null) : base($"{id}: {message}", inner!)
    {
        Id = id;
        Status = status;
    }

    /// <summary>The hub id.</summary>
    public HubId Id { get; }

    /// <summary>The status that the hub answered, or null.</summary>
    public HttpStatusCode? Status { get; }
}
