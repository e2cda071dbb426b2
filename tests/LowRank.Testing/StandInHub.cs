using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace LowRank.Testing;

/// <summary>
/// A hub on the loopback address that answers as the real one does: repositories, their large files behind a redirect to a second address
/// whose links are signed, and faults on demand.
/// </summary>
public sealed class StandInHub : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    private readonly HttpListener hub = new(), storage = new();
    private readonly ConcurrentDictionary<string, byte[]> files = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> others = new(StringComparer.Ordinal);
    private int signature, storageAnswers, atOnce;

    /// <summary>Starts it.</summary>
    /// <param name="repository">The path of its first repository: <c>org/name</c>, or <c>datasets/org/name</c>.</param>
    public StandInHub(string repository = "org/tiny")
    {
        Repository = repository;
        Address = Start(hub, AnswerHub);
        Storage = Start(storage, AnswerStorage);
    }

    public string Repository { get; }

    public string Address { get; }

    public string Storage { get; }

    /// <summary>"METHOD path [range]" of every request, in order.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The Authorization headers that the storage address received.</summary>
    public ConcurrentQueue<string> StorageTokens { get; } = new();

    /// <summary>Branches and tags with their commits; a commit that is one of the values is known too.</summary>
    public ConcurrentDictionary<string, string> Revisions { get; } = new(StringComparer.Ordinal) { ["main"] = Commit };

    /// <summary>The token that is asked for, or null.</summary>
    public string? Token { get; set; }

    /// <summary>Ends each storage answer after so many bytes.</summary>
    public int CutAfter { get; set; } = int.MaxValue;

    /// <summary>Changes a byte of what storage sends.</summary>
    public bool Damage { get; set; }

    /// <summary>Answers the status <see cref="BusyStatus"/> so many times.</summary>
    public int Busy { get; set; }

    public int BusyStatus { get; set; } = 503;

    /// <summary>A header of the busy answers, name and value.</summary>
    public (string Name, string Value)? BusyHeader { get; set; }

    /// <summary>Ignores Range headers.</summary>
    public bool NoRanges { get; set; }

    /// <summary>After so many storage answers the links that were given run out; 0 for never.</summary>
    public int LinksRunOutAfter { get; set; }

    /// <summary>How long a storage answer takes.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>The most storage requests that were answered at the same time.</summary>
    public int MostAtOnce { get; private set; }

    /// <summary>Refuses everything with this X-Error-Code, and <see cref="ErrorStatus"/>.</summary>
    public string? ErrorCode { get; set; }

    public int ErrorStatus { get; set; } = 403;

    /// <summary>Adds a file to the first repository.</summary>
    public void Add(string name, byte[] content) => files[name] = content;

    /// <summary>Adds a file to another repository.</summary>
    public void Add(string repository, string name, byte[] content)
    {
        others[repository] = true;
        files[$"{repository}/{name}"] = content;
    }

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
                _ = Task.Run(() => Answer(context, answer));
            }
        });
        return address;
    }

    private static void Answer(HttpListenerContext context, Action<HttpListenerContext> answer)
    {
        try
        {
            answer(context);
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            context.Response.Abort(); // the client went away, or a cut answer was shorter than announced
        }
    }

    private void AnswerHub(HttpListenerContext c)
    {
        var path = Uri.UnescapeDataString(c.Request.Url!.AbsolutePath);
        Requests.Enqueue($"{c.Request.HttpMethod} {path}");
        if (Busy > 0)
        {
            Busy--;
            if (BusyHeader is { } header) c.Response.AddHeader(header.Name, header.Value);
            End(c, BusyStatus);
            return;
        }
        if (ErrorCode is not null) Refuse(c, ErrorStatus, ErrorCode);
        else if (Token is not null && c.Request.Headers["Authorization"] != $"Bearer {Token}") Refuse(c, 401, null);
        else if (!others.Keys.Append(Repository).Any(r => AnswerRepository(c, path, r))) Refuse(c, 404, "RepoNotFound");
    }

    private bool AnswerRepository(HttpListenerContext c, string path, string repository)
    {
        var prefix = repository == Repository ? "" : repository + "/";
        if (Rest(path, $"/api/{(repository.StartsWith("datasets/", StringComparison.Ordinal) ? "" : "models/")}{repository}/revision/") is { } revision) List(c, prefix, revision);
        else if (Rest(path, $"/{repository}/resolve/") is { } file) Resolve(c, prefix + file[(file.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        else return false;
        return true;
    }

    private void List(HttpListenerContext c, string prefix, string revision)
    {
        var commit = Revisions.GetValueOrDefault(revision) ?? (Revisions.Values.Contains(revision) ? revision : null);
        if (commit is null)
        {
            Refuse(c, 404, "RevisionNotFound");
            return;
        }
        var names = prefix.Length > 0 ? files.Keys.Where(f => f.StartsWith(prefix, StringComparison.Ordinal)).Select(f => f[prefix.Length..])
            : files.Keys.Where(f => !others.Keys.Any(o => f.StartsWith(o + "/", StringComparison.Ordinal)));
        var body = JsonSerializer.SerializeToUtf8Bytes(new { sha = commit, siblings = names.Select(f => new { rfilename = f }) });
        c.Response.ContentLength64 = body.Length;
        c.Response.OutputStream.Write(body);
        c.Response.Close();
    }

    private void Resolve(HttpListenerContext c, string file)
    {
        if (!files.TryGetValue(file, out var content))
        {
            Refuse(c, 404, "EntryNotFound");
            return;
        }
        c.Response.AddHeader("X-Repo-Commit", Commit);
        if (file.EndsWith(".safetensors", StringComparison.Ordinal))
        {
            c.Response.AddHeader("X-Linked-Etag", $"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\"");
            c.Response.AddHeader("X-Linked-Size", content.Length.ToString(CultureInfo.InvariantCulture));
            c.Response.AddHeader("Location", string.Create(CultureInfo.InvariantCulture, $"{Storage}/{file}?signature={signature}"));
            End(c, 302);
            return;
        }
        c.Response.AddHeader("ETag", $"\"{Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]))}\"");
        c.Response.ContentLength64 = content.Length;
        if (c.Request.HttpMethod == "GET") c.Response.OutputStream.Write(content);
        c.Response.Close();
    }

    private void AnswerStorage(HttpListenerContext c)
    {
        Requests.Enqueue($"{c.Request.HttpMethod} storage{c.Request.Url!.AbsolutePath} {c.Request.Headers["Range"]}".TrimEnd());
        if (c.Request.Headers["Authorization"] is { } token) StorageTokens.Enqueue(token);
        if (c.Request.QueryString["signature"] != signature.ToString(CultureInfo.InvariantCulture))
        {
            End(c, 403);
            return;
        }
        if (LinksRunOutAfter > 0 && Interlocked.Increment(ref storageAnswers) % LinksRunOutAfter == 0) Interlocked.Increment(ref signature);
        lock (files) MostAtOnce = Math.Max(MostAtOnce, ++atOnce);
        Thread.Sleep(Delay);
        try
        {
            Send(c);
        }
        finally
        {
            lock (files) atOnce--;
        }
    }

    private void Send(HttpListenerContext c)
    {
        var content = files[Uri.UnescapeDataString(c.Request.Url!.AbsolutePath)[1..]].ToArray();
        if (Damage) content[^1] ^= 1;
        var (from, to) = (0, content.Length);
        if (!NoRanges && c.Request.Headers["Range"] is { } range)
        {
            var ends = range["bytes=".Length..].Split('-');
            from = int.Parse(ends[0], CultureInfo.InvariantCulture);
            if (ends[1].Length > 0) to = Math.Min(to, int.Parse(ends[1], CultureInfo.InvariantCulture) + 1);
            c.Response.StatusCode = 206;
            c.Response.AddHeader("Content-Range", string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{to - 1}/{content.Length}"));
        }
        c.Response.ContentLength64 = to - from;
        var length = Math.Min(to - from, CutAfter);
        c.Response.OutputStream.Write(content, from, length);
        if (length < to - from)
        {
            c.Response.OutputStream.Flush();
            c.Response.Abort();
        }
        else c.Response.Close();
    }

    private static string? Rest(string path, string beginning) => path.StartsWith(beginning, StringComparison.Ordinal) ? path[beginning.Length..] : null;

    private static void Refuse(HttpListenerContext c, int status, string? code)
    {
        if (code is not null) c.Response.AddHeader("X-Error-Code", code);
        End(c, status);
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
