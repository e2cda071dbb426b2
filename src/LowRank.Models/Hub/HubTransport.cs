using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace LowRank.Models.Hub;

/// <summary>Requests to the hub: token, retries, and answers turned into errors that say what to do.</summary>
internal sealed class HubTransport(HubOptions options, HubId id) : IDisposable
{
    // Redirects are followed by hand: a file's hash stands in the redirect itself, and the token must not travel to the storage host.
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(15) }) { Timeout = Timeout.InfiniteTimeSpan };

    private string Repository => $"{options.Endpoint.ToString().TrimEnd('/')}/";

    /// <summary>The commit of the revision and the names of all files in it.</summary>
    public async Task<(string Commit, HashSet<string> Files)> ListAsync(CancellationToken cancellation)
    {
        var uri = new Uri($"{Repository}api/models/{id.Repository}/revision/{Uri.EscapeDataString(id.Revision)}");
        using var response = await SendAsync(HttpMethod.Get, uri, null, cancellation);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            using var document = await JsonDocument.ParseAsync(body, cancellationToken: cancellation);
            var commit = document.RootElement.GetProperty("sha").GetString() ?? "";
            if (commit.Length == 0 || !commit.All(char.IsAsciiLetterOrDigit)) throw new HubException(id, $"the hub answered '{commit}' as the commit.");
            return (commit, document.RootElement.GetProperty("siblings").EnumerateArray().Select(s => s.GetProperty("rfilename").GetString() ?? "").ToHashSet(StringComparer.Ordinal));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HubException(id, $"{uri} did not answer as a model hub does: {e.Message}", response.StatusCode, e);
        }
    }

    /// <summary>Size, hash and place of a file.</summary>
    public async Task<HubFile> DescribeAsync(string commit, string name, CancellationToken cancellation)
    {
        var uri = new Uri($"{Repository}{id.Repository}/resolve/{commit}/{Uri.EscapeDataString(name)}");
        for (var hop = 0; ; hop++)
        {
            using var response = await SendAsync(HttpMethod.Head, uri, null, cancellation);
            var redirect = (int)response.StatusCode is >= 300 and < 400 ? response.Headers.Location : null;
            // A relative redirect is a renamed repository: the description stands behind it.
            if (redirect is { IsAbsoluteUri: false } && hop < 5)
            {
                uri = new Uri(uri, redirect);
                continue;
            }
            var etag = (Header(response, "X-Linked-Etag") ?? Header(response, "ETag"))?.Replace("W/", "", StringComparison.Ordinal).Trim('"');
            var length = Header(response, "X-Linked-Size") ?? response.Content.Headers.ContentLength?.ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (etag is not { Length: > 0 } || !etag.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') || !long.TryParse(length, out var bytes) || bytes < 0)
                throw new HubException(id, $"{uri} told neither hash nor size of {name}, so the download could not be checked.", response.StatusCode);
            return new HubFile(name, etag, bytes, redirect ?? uri);
        }
    }

    /// <summary>Content of a file from a position on. The answer may begin at 0 all the same; its Content-Range tells.</summary>
    public Task<HttpResponseMessage> OpenAsync(Uri uri, long from, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Get, uri, from > 0 ? new RangeHeaderValue(from, null) : null, cancellation, follow: 5);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri uri, RangeHeaderValue? range, CancellationToken cancellation, int follow = 0)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var request = new HttpRequestMessage(method, uri);
            request.Headers.UserAgent.ParseAdd("lowrank");
            request.Headers.Range = range;
            if (options.Token is not null && uri.Host == options.Endpoint.Host && uri.Port == options.Endpoint.Port && uri.Scheme == options.Endpoint.Scheme)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.Token);
            HttpResponseMessage response;
            try
            {
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                silence.CancelAfter(options.SilenceTimeout);
                response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
            }
            catch (Exception e) when (IsNetwork(e, cancellation))
            {
                if (attempt >= options.Retries) throw NoNetwork(e);
                await Wait(attempt, cancellation);
                continue;
            }
            var status = (int)response.StatusCode;
            if (status is 429 or >= 500 && attempt < options.Retries)
            {
                response.Dispose();
                await Wait(attempt, cancellation);
                continue;
            }
            if (status is >= 300 and < 400 && follow > 0 && response.Headers.Location is { } location)
            {
                response.Dispose();
                (uri, follow, attempt) = (new Uri(uri, location), follow - 1, -1);
                continue;
            }
            if (status >= 400)
            {
                using (response) throw Refused(response, uri);
            }
            return response;
        }
    }

    /// <summary>Waits before the next try: longer each time.</summary>
    public Task Wait(int attempt, CancellationToken cancellation) => Task.Delay(options.RetryDelay * Math.Pow(2, Math.Min(attempt, 6)), cancellation);

    /// <summary>True for failures of the connection, which another try may mend.</summary>
    public static bool IsNetwork(Exception e, CancellationToken cancellation) => e is HttpRequestException or IOException || e is OperationCanceledException && !cancellation.IsCancellationRequested;

    public HubException NoNetwork(Exception e) => new(id,
        $"{options.Endpoint} cannot be reached ({e.GetBaseException().Message}). Check the network, or download the model elsewhere and name its folder: --model FOLDER.", null, e);

    private HubException Refused(HttpResponseMessage response, Uri uri)
    {
        var code = Header(response, "X-Error-Code");
        var message = (response.StatusCode, code) switch
        {
            (_, "GatedRepo") => Gated(),
            (_, "RevisionNotFound") => $"there is no revision '{id.Revision}'.",
            (_, "EntryNotFound") => $"{uri} does not exist.",
            (HttpStatusCode.NotFound, _) => $"there is no such model or revision at {options.Endpoint}. Check the spelling; a private model needs a token in HF_TOKEN.",
            (HttpStatusCode.Unauthorized, _) when options.Token is null =>
                $"{options.Endpoint} asks for a token: the model is private, gated or does not exist. Check the spelling, accept the model's terms on its page, and set HF_TOKEN.",
            (HttpStatusCode.Unauthorized, _) => "the token (HF_TOKEN or HF_HOME/token) is not valid, or it may not read this model.",
            (HttpStatusCode.Forbidden, _) => Gated(),
            _ => $"{uri} answered {(int)response.StatusCode} {response.ReasonPhrase}.",
        };
        return new HubException(id, message, response.StatusCode);
    }

    private string Gated() => $"the model is gated. Accept its terms at {Repository}{id.Repository} with your account, then set HF_TOKEN to a token of that account.";

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    public void Dispose() => http.Dispose();
}
