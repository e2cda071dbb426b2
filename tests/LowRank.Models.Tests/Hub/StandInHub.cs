using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace LowRank.Models.Tests.Hub;

/// <summary>A model hub on the loopback address: one repository, its files behind a redirect to a second address, and faults on demand.</summary>
internal sealed class StandInHub : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly HttpListener hub = new(), storage = new();
    private readonly Dictionary<string, byte[]> files = new(StringComparer.Ordinal);

    public StandInHub()
    {
        Address = Start(hub, AnswerHub);
        Storage = Start(storage, AnswerStorage);
    }

    public string Address { get; }

    public string Storage { get; }

    /// <summary>"METHOD path [range]" of every request, in order.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The Authorization headers that the storage address received.</summary>
    public ConcurrentQueue<string> StorageTokens { get; } = new();

    /// <summary>The token that is asked for, or null.</summary>
    public string? Token { get; set; }

    /// <summary>Ends each storage answer after so many bytes.</summary>
    public int CutAfter { get; set; } = int.MaxValue;

    /// <summary>Changes a byte of what storage sends.</summary>
    public bool Damage { get; set; }

    /// <summary>Answers 503 so many times.</summary>
    public int Busy { get; set; }

    /// <summary>Ignores Range headers.</summary>
    public bool NoRanges { get; set; }

    public string? ErrorCode { get; set; }

    public void Add(string name, byte[] content) => files[name] = content;

    public void Add(string name, string content) => Add(name, Encoding.UTF8.GetBytes(content));

    private static string Start(HttpListener listener, Action<HttpListenerContext> answer)
    {
        string address;
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}");
        }
        listener.Prefixes.Add(address + "/");
        listener.Start();
        _ = Task.Run(async () =>
        {
            while (listener.IsListening)
            {
                HttpListenerContext context;
                try
                {
                    context = await listener.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }
                try
                {
                    answer(context);
                }
                catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
                {
                    context.Response.Abort(); // the client went away, or a cut answer was shorter than announced
                }
            }
        });
        return address;
    }

    private void AnswerHub(HttpListenerContext c)
    {
        var path = c.Request.Url!.AbsolutePath;
        Requests.Enqueue($"{c.Request.HttpMethod} {path}");
        if (Busy > 0)
        {
            Busy--;
            End(c, 503);
            return;
        }
        if (ErrorCode is not null) c.Response.AddHeader("X-Error-Code", ErrorCode);
        if (ErrorCode is not null || Token is not null && c.Request.Headers["Authorization"] != $"Bearer {Token}")
        {
            End(c, ErrorCode is "RevisionNotFound" ? 404 : ErrorCode is null ? 401 : 403);
            return;
        }
        if (path.StartsWith("/api/models/org/tiny/revision/", StringComparison.Ordinal))
        {
            var body = Encoding.UTF8.GetBytes($$"""{"sha":"{{Commit}}","siblings":[{{string.Join(",", files.Keys.Select(f => $$"""{"rfilename":"{{f}}"}"""))}}]}""");
            c.Response.ContentLength64 = body.Length;
            c.Response.OutputStream.Write(body);
            c.Response.Close();
        }
        else if (path.StartsWith($"/org/tiny/resolve/{Commit}/", StringComparison.Ordinal) && files.TryGetValue(Path.GetFileName(path), out var content))
        {
            c.Response.AddHeader("X-Repo-Commit", Commit);
            if (path.EndsWith(".safetensors", StringComparison.Ordinal))
            {
                c.Response.AddHeader("X-Linked-Etag", $"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\"");
                c.Response.AddHeader("X-Linked-Size", content.Length.ToString(CultureInfo.InvariantCulture));
                c.Response.AddHeader("Location", $"{Storage}/{Path.GetFileName(path)}?signature=x");
                End(c, 302);
                return;
            }
            c.Response.AddHeader("ETag", $"\"{Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]))}\"");
            c.Response.ContentLength64 = content.Length;
            if (c.Request.HttpMethod == "GET") c.Response.OutputStream.Write(content);
            c.Response.Close();
        }
        else End(c, 404);
    }

    private void AnswerStorage(HttpListenerContext c)
    {
        Requests.Enqueue($"{c.Request.HttpMethod} storage{c.Request.Url!.AbsolutePath} {c.Request.Headers["Range"]}".TrimEnd());
        if (c.Request.Headers["Authorization"] is { } token) StorageTokens.Enqueue(token);
        var content = files[Path.GetFileName(c.Request.Url.AbsolutePath)].ToArray();
        if (Damage) content[^1] ^= 1;
        var from = 0;
        if (!NoRanges && c.Request.Headers["Range"] is { } range)
        {
            from = int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
            c.Response.StatusCode = 206;
            c.Response.AddHeader("Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}");
        }
        c.Response.ContentLength64 = content.Length - from;
        var length = Math.Min(content.Length - from, CutAfter);
        c.Response.OutputStream.Write(content, from, length);
        if (length < content.Length - from)
        {
            c.Response.OutputStream.Flush();
            c.Response.Abort();
        }
        else c.Response.Close();
    }

    private static void End(HttpListenerContext c, int status)
    {
        c.Response.StatusCode = status;
        c.Response.ContentLength64 = 0;
        c.Response.Close();
    }

    public void Dispose()
    {
        hub.Close();
        storage.Close();
    }
}
