namespace LowRank.Models.Hub;

/// <summary>Where models come from and where they are kept; the settings of Python's huggingface_hub.</summary>
public sealed record HubOptions
{
    /// <summary>The hub. Default: the public one; <c>HF_ENDPOINT</c> names another.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>The cache folder. Default: <c>HF_HUB_CACHE</c>, else <c>HF_HOME/hub</c>, else <c>~/.cache/huggingface/hub</c>.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The access token, sent to <see cref="Endpoint"/> only. Default: <c>HF_TOKEN</c>, else the file <c>HF_HOME/token</c>.</summary>
    public string? Token { get; init; }

    /// <summary>True for no network at all: only what is in the cache. Default: <c>HF_HUB_OFFLINE</c>.</summary>
    public bool Offline { get; init; }

    /// <summary>How often a request is tried again after a broken connection or a busy server. Default: 4.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>The wait before the first retry; it doubles each time. Default: half a second.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a connection may stay silent before it counts as broken. Default: 30 seconds.</summary>
    public TimeSpan SilenceTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The settings of the environment.</summary>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>The settings of an environment given by <paramref name="variable"/>.</summary>
    /// <exception cref="LowRankException"><c>HF_ENDPOINT</c> is not an http or https address.</exception>
    internal static HubOptions From(Func<string, string?> variable)
    {
        string? Set(string name) => variable(name) is { } text && text.Trim() is { Length: > 0 } value ? value : null;
        var home = Set("HF_HOME") ?? Path.Combine(Set("XDG_CACHE_HOME") ?? Path.Combine(Set("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"), "huggingface");
        var tokenFile = Set("HF_TOKEN_PATH") ?? Path.Combine(home, "token");
        var options = new HubOptions
        {
            CacheFolder = Set("HF_HUB_CACHE") ?? Path.Combine(home, "hub"),
            Token = Set("HF_TOKEN") ?? (File.Exists(tokenFile) && File.ReadAllText(tokenFile).Trim() is { Length: > 0 } token ? token : null),
            Offline = Set("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON",
        };
        if (Set("HF_ENDPOINT") is not { } endpoint) return options;
        return Uri.TryCreate(endpoint.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? options with { Endpoint = uri }
            : throw new LowRankException($"HF_ENDPOINT is '{endpoint}'; an http or https address was expected.");
    }
}
