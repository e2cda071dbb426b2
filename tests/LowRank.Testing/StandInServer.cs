using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LowRank.Testing;

/// <summary>What a stand-in server was asked.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">Path and query.</param>
/// <param name="Bytes">The body.</param>
/// <param name="Authorization">The header of that name, or null.</param>
public sealed record StandInRequest(string Method, string Path, byte[] Bytes, string? Authorization)
{
    /// <summary>The body as text.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes);
}

/// <summary>What it answers.</summary>
/// <param name="Status">The status.</param>
/// <param name="Json">The body.</param>
public sealed record StandInAnswer(int Status, string Json = "{}");

/// <summary>A server on the loopback address that keeps what it is asked. One that gives no answer hangs until it is disposed.</summary>
public sealed class StandInServer : IDisposable
{
    private readonly HttpListener listener = new();
    private readonly Func<StandInRequest, StandInAnswer?> answer;
    private readonly ManualResetEventSlim over = new();

    /// <summary>Starts it.</summary>
    /// <param name="answer">Gives the answer to a request, or null to hang. Called for one request at a time.</param>
    public StandInServer(Func<StandInRequest, StandInAnswer?> answer)
    {
        this.answer = answer;
        Address = FreeAddress();
        listener.Prefixes.Add(Address + "/");
        listener.Start();
        _ = Task.Run(Listen);
    }

    /// <summary>Its address, without a slash at the end.</summary>
    public string Address { get; }

    /// <summary>All requests, in order.</summary>
    public ConcurrentQueue<StandInRequest> Requests { get; } = new();

    /// <summary>An address of this machine at which nobody listens.</summary>
    public static string FreeAddress()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        over.Set();
        listener.Close();
    }

    private async Task Listen()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            _ = Task.Factory.StartNew(() => Answer(context), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
    }

    private void Answer(HttpListenerContext context)
    {
        try
        {
            var body = new MemoryStream();
            context.Request.InputStream.CopyTo(body);
            var request = new StandInRequest(context.Request.HttpMethod, context.Request.Url!.PathAndQuery, body.ToArray(), context.Request.Headers["Authorization"]);
            StandInAnswer? given;
            lock (listener)
            {
                Requests.Enqueue(request);
                given = answer(request);
            }
            if (given is null)
            {
                over.Wait();
                context.Response.Abort();
                return;
            }
            context.Response.StatusCode = given.Status;
            context.Response.ContentType = "application/json";
            context.Response.OutputStream.Write(Encoding.UTF8.GetBytes(given.Json));
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            context.Response.Abort(); // the client went away
        }
    }
}
