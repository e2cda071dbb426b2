using System.Globalization;

namespace LowRank.Models.Hub;

/// <summary>
/// Where repositories come from and where they are kept; the settings of Python's huggingface_hub. Proxies are those of the environment
/// (<c>HTTPS_PROXY</c>, <c>HTTP_PROXY</c>, <c>ALL_PROXY</c>, <c>NO_PROXY</c>).
/// </summary>
public sealed record HubOptions
{
    /// <summary>The hub. Default: the public one; <c>HF_ENDPOINT</c> names another.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>The cache folder. Default: <c>HF_HUB_CACHE</c>, else <c>HF_HOME/hub</c>, else <c>~/.cache/huggingface/hub</c>.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The access token, sent to <see cref="Endpoint"/> only. Default: <c>HF_TOKEN</c>, else the file <c>HF_TOKEN_PATH</c> or <c>HF_HOME/token</c>, unless <c>HF_HUB_DISABLE_IMPLICIT_TOKEN</c> is set.</summary>
    public string? Token { get; init; }

    /// <summary>True for no network at all: only what is in the cache, and no socket is opened. Default: <c>HF_HUB_OFFLINE</c> or <c>TRANSFORMERS_OFFLINE</c>.</summary>
    public bool Offline { get; init; }

    /// <summary>Connections over which one large file arrives at once, and requests for descriptions at a time. Default: 8.</summary>
    public int Connections { get; init; } = 8;

    /// <summary>Bytes of a file that one request asks for where several connections are used; smaller files take one connection. Default: 16 MiB.</summary>
    public long RangeBytes { get; init; } = 16 << 20;

    /// <summary>How often a request is tried again after a broken connection or a busy server. Default: 4.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>The wait before the first retry; it doubles each time. Default: half a second.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait that a server may ask for (<c>Retry-After</c>); one that asks for more is an error. Default: 5 minutes.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a connection may stay silent before it counts as broken. Default: <c>HF_HUB_DOWNLOAD_TIMEOUT</c> in seconds, else 30 seconds.</summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Makes what sends the requests; tests count or forbid them.</summary>
    internal Func<HttpMessageHandler>? Handler { get; init; }

    /// <summary>Makes a symbolic link (its path, its target); tests stand in for a file system that has none.</summary>
    internal Action<string, string> Symlink { get; init; } = static (path, target) => File.CreateSymbolicLink(path, target);

    /// <summary>The clock of waits and speeds.</summary>
    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The settings of the environment.</summary>
    /// <exception cref="LowRankException">A variable holds what it cannot mean.</exception>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>The settings of an environment given by <paramref name="variable"/>.</summary>
    /// <exception cref="LowRankException"><c>HF_ENDPOINT</c> is not an http or https address, or a number is none.</exception>
    internal static HubOptions From(Func<string, string?> variable)
    {
        string? Set(string name) => variable(name) is { } text && text.Trim() is { Length: > 0 } value ? value : null;
        bool IsOn(string name) => Set(name)?.ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON";
        var user = Set("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string? Folder(string name) => Set(name) is not { } path ? null : path == "~" ? user : path.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(user, path[2..]) : path;
        var home = Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(user, ".cache"), "huggingface");
        var tokenFile = Folder("HF_TOKEN_PATH") ?? Path.Combine(home, "token");
        var options = new HubOptions
        {
            CacheFolder = Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub"),
            Token = IsOn("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null
                : Set("HF_TOKEN") ?? Set("HUGGING_FACE_HUB_TOKEN") ?? (File.Exists(tokenFile) && File.ReadAllText(tokenFile).Trim() is { Length: > 0 } token ? token : null),
            Offline = Set("HF_HUB_OFFLINE") is null ? IsOn("TRANSFORMERS_OFFLINE") : IsOn("HF_HUB_OFFLINE"),
        };
        if (Set("HF_HUB_DOWNLOAD_TIMEOUT") is { } seconds)
        {
            options = int.TryParse(seconds, NumberStyles.None, CultureInfo.InvariantCulture, out var silence) && silence > 0 ? options with { SilenceTimeout = TimeSpan.FromSeconds(silence) }
                : throw new LowRankException($"HF_HUB_DOWNLOAD_TIMEOUT is '{seconds}'; a number of seconds was expected.");
        }
        if (Set("HF_ENDPOINT") is not { } endpoint) return options;
        return Uri.TryCreate(endpoint.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? options with { Endpoint = uri }
            : throw new LowRankException($"HF_ENDPOINT is '{endpoint}'; an http or https address was expected.");
    }
}
