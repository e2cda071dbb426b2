namespace LowRank.Training.Trackers.Wandb;

/// <summary>A server of Weights and Biases and the key for it.</summary>
/// <param name="Base">Its address.</param>
/// <param name="Key">The key.</param>
internal sealed record WandbServer(Uri Base, string Key)
{
    private const string Standard = "https://api.wandb.ai";

    /// <summary>The server that WANDB_BASE_URL names, or the public one, with the key of WANDB_API_KEY or of <c>~/.netrc</c>.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <exception cref="LowRankException">There is no key, or the address is none.</exception>
    public static WandbServer FromEnvironment(Func<string, string?> variable)
    {
        var address = variable("WANDB_BASE_URL") is { Length: > 0 } set ? set : Standard;
        if (!Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new LowRankException($"WANDB_BASE_URL is \"{address}\"; expected an address such as {Standard}.");
        var netrc = Netrc.PathOf(variable);
        var key = variable("WANDB_API_KEY") is { Length: > 0 } given ? given : Netrc.Password(uri.Host, netrc);
        return key is { Length: > 0 } ? new WandbServer(uri, key.Trim())
            : throw new LowRankException($"There is no key for {uri.Host}, so nothing was sent. Set WANDB_API_KEY, or add to {netrc} a line: machine {uri.Host} login user password KEY");
    }
}
