using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace LowRank.Training.Trackers;

/// <summary>Requests to a tracker's server: one address, one authorization, one time limit, and what goes wrong as an error that names the server.</summary>
internal sealed class TrackerHttp : IDisposable
{
    private readonly HttpClient http;
    private readonly string server;

    /// <param name="server">The server's address, ending in a slash.</param>
    /// <param name="authorization">What proves who asks, or null.</param>
    /// <param name="timeout">How long one request may take.</param>
    public TrackerHttp(Uri server, AuthenticationHeaderValue? authorization, TimeSpan timeout)
    {
        // A redirect would take the key to another host.
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = timeout }) { BaseAddress = server, Timeout = timeout };
        http.DefaultRequestHeaders.UserAgent.ParseAdd("lowrank");
        Authorization = authorization;
        this.server = server.GetLeftPart(UriPartial.Authority);
    }

    private AuthenticationHeaderValue? Authorization { get; }

    /// <summary>Sends a request with the authorization and reads the whole answer.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path, relative to the server's address.</param>
    /// <param name="json">The body, or null.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="TrackerServerException">There is no answer, or it is a refusal.</exception>
    public Task<string> SendAsync(HttpMethod method, string path, string? json, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(method, path) { Content = json is null ? null : new StringContent(json, Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };
        request.Headers.Authorization = Authorization;
        return SendAsync(request, cancellation);
    }

    /// <summary>Sends a request as it is; it is disposed.</summary>
    /// <exception cref="TrackerServerException">There is no answer, or it is a refusal.</exception>
    public async Task<string> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using var sent = request;
        try
        {
            using var response = await http.SendAsync(request, cancellation).ConfigureAwait(false);
            var body = await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
            if (response.IsSuccessStatusCode) return body;
            throw new TrackerServerException($"{server} answered {(int)response.StatusCode} to {request.Method} {request.RequestUri!.AbsolutePath}: {Shorten(body, response.ReasonPhrase)}", response.StatusCode, body);
        }
        catch (HttpRequestException error)
        {
            throw new TrackerServerException($"{server} does not answer: {error.Message}", null, null, error);
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new TrackerServerException($"{server} did not answer within {http.Timeout.TotalSeconds:0} s", HttpStatusCode.RequestTimeout, null, error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static string Shorten(string body, string? reason)
    {
        var text = body.Trim().ReplaceLineEndings(" ");
        return text.Length == 0 ? reason ?? "no reason" : text.Length <= 300 ? text : text[..300] + "…";
    }
}
