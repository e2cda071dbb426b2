using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace LowRank.Models.Hub.Transfer;

/// <summary>Requests to the hub: token, redirects, retries, and answers turned into errors that say what to do.</summary>
internal sealed class HubTransport(HubOptions options, HubId id) : IDisposable
{
    private const int MostRedirects = 5;

    // Of one request: an address that is refused when it is new is refused for another reason.
    private const int MostRenewals = 3;

    // Redirects are followed by hand: a file's hash stands in the redirect itself, and the token must not travel to the storage host.
    private readonly HttpClient http = new(options.Handler?.Invoke() ?? Handler()) { Timeout = Timeout.InfiniteTimeSpan };

    private readonly string endpoint = options.Endpoint.ToString().TrimEnd('/');

    /// <summary>The commit of the revision and the names of all files in it.</summary>
    public async Task<(string Commit, HashSet<string> Files)> ListAsync(CancellationToken cancellation)
    {
        var kind = id.Kind == HubRepositoryKind.Dataset ? "datasets" : "models";
        var uri = new Uri($"{endpoint}/api/{kind}/{id.Repository}/revision/{Uri.EscapeDataString(id.Revision)}");
        using var response = await SendAsync(HttpMethod.Get, uri, null, null, cancellation, MostRedirects);
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
    public Task<HubFile> DescribeAsync(string commit, string name, CancellationToken cancellation)
    {
        var repository = (id.Kind == HubRepositoryKind.Dataset ? "datasets/" : "") + id.Repository;
        var path = string.Join('/', name.Split('/').Select(Uri.EscapeDataString));
        return DescribeAsync(new Uri($"{endpoint}/{repository}/resolve/{commit}/{path}"), name, cancellation);
    }

    /// <summary>Content of a file, [from, to). The answer to a part may be the whole all the same; its status tells.</summary>
    public async Task<HttpResponseMessage> OpenAsync(HubFile file, long from, long to, CancellationToken cancellation)
    {
        var range = from > 0 || to < file.Bytes ? new RangeHeaderValue(from, to < file.Bytes ? to - 1 : null) : null;
        for (var renewals = 0; ; renewals++)
        {
            try
            {
                return await SendAsync(HttpMethod.Get, file.Location, range, file.Name, cancellation, MostRedirects);
            }
            catch (HubException e) when (renewals < MostRenewals && e.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.Gone && !IsHub(file.Location))
            {
                // The storage host's address has run out: the hub signs a new one. Other connections use it too, so it may have run out again.
                var renewed = await DescribeAsync(file.Source, file.Name, cancellation);
                if (renewed.Etag != file.Etag) throw new HubException(id, $"{file.Name} has changed while it was downloaded. Run again.", null, e);
                if (renewed.Location == file.Location) throw;
                file.Location = renewed.Location;
            }
        }
    }

    /// <summary>Waits before the next try: longer each time.</summary>
    public Task Wait(int attempt, CancellationToken cancellation) => Task.Delay(options.RetryDelay * Math.Pow(2, Math.Min(attempt, 6)), options.Time, cancellation);

    /// <summary>True for failures of the connection, which another try may mend.</summary>
    public static bool IsNetwork(Exception e, CancellationToken cancellation) => e is HttpRequestException or IOException || e is OperationCanceledException && !cancellation.IsCancellationRequested;

    /// <summary>The error of a hub that cannot be reached.</summary>
    public HubException NoNetwork(Exception e) => new(id,
        $"{options.Endpoint} cannot be reached ({e.GetBaseException().Message}). Check the network and the proxy (HTTPS_PROXY), or download the {id.KindName} elsewhere and name its folder.", null, e);

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    // Proxies are those of the environment, which the handler asks for by itself.
    private static SocketsHttpHandler Handler() => new() { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(15), PooledConnectionLifetime = TimeSpan.FromMinutes(10) };

    private async Task<HubFile> DescribeAsync(Uri source, string name, CancellationToken cancellation)
    {
        var uri = source;
        for (var hop = 0; ; hop++)
        {
            using var response = await SendAsync(HttpMethod.Head, uri, null, name, cancellation);
            var redirect = (int)response.StatusCode is >= 300 and < 400 ? response.Headers.Location : null;
            // A relative redirect is a renamed repository: the description stands behind it.
            if (redirect is { IsAbsoluteUri: false } && hop < MostRedirects)
            {
                uri = new Uri(uri, redirect);
                continue;
            }
            var etag = HubRefusal.Header(response, "X-Linked-Etag") ?? HubRefusal.Header(response, "ETag");
            if (etag is not null) etag = (etag.StartsWith("W/", StringComparison.Ordinal) ? etag[2..] : etag).Trim('"');
            var length = HubRefusal.Header(response, "X-Linked-Size") ?? response.Content.Headers.ContentLength?.ToString(CultureInfo.InvariantCulture);
            if (etag is not { Length: > 0 } || !etag.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') || !long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes))
                throw new HubException(id, $"{uri} told neither hash nor size of {name}, so the download could not be checked.", response.StatusCode);
            return new HubFile(name, etag, bytes, source) { Location = redirect ?? uri };
        }
    }

    private bool IsHub(Uri uri) => uri.Host == options.Endpoint.Host && uri.Port == options.Endpoint.Port && uri.Scheme == options.Endpoint.Scheme;

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri uri, RangeHeaderValue? range, string? file, CancellationToken cancellation, int follow = 0)
    {
        for (var attempt = 0; ; attempt++)
        {
            using var request = new HttpRequestMessage(method, uri);
            request.Headers.UserAgent.ParseAdd("lowrank");
            // A compressed answer would have another size than the file.
            request.Headers.AcceptEncoding.ParseAdd("identity");
            request.Headers.Range = range;
            if (options.Token is not null && IsHub(uri)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.Token);
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
                var asked = HubRefusal.RetryAfter(response, options.Time);
                if (asked is null || asked <= options.LongestWait)
                {
                    response.Dispose();
                    await (asked is { } wait ? Task.Delay(wait, options.Time, cancellation) : Wait(attempt, cancellation));
                    continue;
                }
            }
            if (status is >= 300 and < 400 && follow > 0 && response.Headers.Location is { } location)
            {
                response.Dispose();
                (uri, follow, attempt) = (new Uri(uri, location), follow - 1, -1);
                continue;
            }
            if (status >= 400)
            {
                using (response) throw HubRefusal.Of(response, options, id, file);
            }
            return response;
        }
    }
}
