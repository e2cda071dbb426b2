using System.Globalization;
using System.Net;

namespace LowRank.Models.Hub.Transfer;

/// <summary>Turns an answer that refuses into an error that says what to do. The hub's <c>X-Error-Code</c> tells repository, revision and file apart.</summary>
internal static class HubRefusal
{
    private const int LongestReason = 200;

    /// <summary>The error of an answer.</summary>
    public static HubException Of(HttpResponseMessage response, HubOptions options, HubId id, string? file)
    {
        var code = Header(response, "X-Error-Code");
        var page = $"{options.Endpoint.ToString().TrimEnd('/')}/{(id.Kind == HubRepositoryKind.Dataset ? "datasets/" : "")}{id.Repository}";
        var message = (response.StatusCode, code) switch
        {
            (_, "GatedRepo") => Gated(page, id, options),
            (_, "RevisionNotFound") => $"there is no branch, tag or commit '{id.Revision}'. Its page {page} lists them.",
            (_, "EntryNotFound") => $"the revision {id.Revision} has no file {file ?? "of that name"}.",
            (HttpStatusCode.NotFound, null) when file is not null => $"the revision {id.Revision} has no file {file}.",
            (HttpStatusCode.NotFound, _) => $"there is no such {id.KindName} at {options.Endpoint}. Check the spelling; a private one is shown only to its readers: {TokenAdvice(options)}",
            (HttpStatusCode.Unauthorized, _) when options.Token is null =>
                $"{options.Endpoint} asks for a token: the {id.KindName} is private, gated or does not exist. Check the spelling, accept its terms on {page}, and set HF_TOKEN.",
            (HttpStatusCode.Unauthorized, _) => $"the token (HF_TOKEN or HF_HOME/token) is not valid, or it may not read this {id.KindName}.",
            (HttpStatusCode.Forbidden, _) => $"access is refused: either its terms are not accepted yet (see {page}), or the token has no right to read it. {TokenAdvice(options)}",
            (HttpStatusCode.TooManyRequests, _) => $"{options.Endpoint} was asked too often. Wait {Wait(response, options)}and run again; what has arrived is kept.{(options.Token is null ? " With a token (HF_TOKEN) more requests are allowed." : "")}",
            _ => $"{response.RequestMessage?.RequestUri?.GetLeftPart(UriPartial.Path)} answered {(int)response.StatusCode} {response.ReasonPhrase}.",
        };
        return new HubException(id, message + Reason(response), response.StatusCode);
    }

    /// <summary>How long the server asks to wait before the next request, or null where it does not say.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        var asked = response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - time.GetUtcNow() : RateLimitReset(response);
        return asked is null ? null : asked < TimeSpan.Zero ? TimeSpan.Zero : asked;
    }

    /// <summary>The value of a header, or null.</summary>
    public static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    /// <summary>The draft header <c>RateLimit: "api";r=0;t=55</c>, by which the hub says in how many seconds requests are allowed again.</summary>
    private static TimeSpan? RateLimitReset(HttpResponseMessage response)
    {
        foreach (var part in (Header(response, "RateLimit") ?? "").Split(';', StringSplitOptions.TrimEntries))
            if (part.StartsWith("t=", StringComparison.Ordinal) && int.TryParse(part.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)) return TimeSpan.FromSeconds(seconds);
        return null;
    }

    private static string Gated(string page, HubId id, HubOptions options) =>
        $"the {id.KindName} is gated. Accept its terms at {page} with your account, then {(options.Token is null ? "set HF_TOKEN to a token of that account." : "see that the token in use is of that account and may read gated repositories.")}";

    private static string TokenAdvice(HubOptions options) =>
        options.Token is null ? "set HF_TOKEN to a token that may read it." : "the token in use (HF_TOKEN or HF_HOME/token) may not, or is of another account.";

    private static string Wait(HttpResponseMessage response, HubOptions options) =>
        RetryAfter(response, options.Time) is { } wait ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalSeconds):f0} seconds ") : "a few minutes ";

    /// <summary>The hub's own words, cut and without control characters: it is text from outside on its way to a terminal.</summary>
    private static string Reason(HttpResponseMessage response)
    {
        if (Header(response, "X-Error-Message") is not { } text) return "";
        var plain = new string([.. text.Where(c => !char.IsControl(c)).Take(LongestReason)]).Trim();
        return plain.Length == 0 ? "" : $" The hub says: {plain}";
    }
}
