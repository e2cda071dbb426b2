namespace LowRank.Training.Trackers.Wandb;

/// <summary>Passwords by machine, as <c>~/.netrc</c> (<c>_netrc</c> on Windows) or the file that NETRC names holds them.</summary>
internal static class Netrc
{
    /// <summary>The password for a machine, or null.</summary>
    /// <param name="machine">The host's name.</param>
    /// <param name="path">The file; it may be missing.</param>
    public static string? Password(string machine, string path)
    {
        if (!File.Exists(path)) return null;
        var words = File.ReadLines(path).Where(l => !l.TrimStart().StartsWith('#')).SelectMany(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToArray();
        string? fallback = null;
        var (isIts, isDefault) = (false, false);
        for (var i = 0; i < words.Length; i++)
        {
            var next = i + 1 < words.Length ? words[i + 1] : null;
            if (words[i] == "machine") (isIts, isDefault) = (next == machine, false);
            else if (words[i] == "default") (isIts, isDefault) = (false, true);
            else if (words[i] == "password" && isIts) return next;
            else if (words[i] == "password" && isDefault) fallback = next;
            if (words[i] is "machine" or "login" or "password" or "account") i++;
        }
        return fallback;
    }

    /// <summary>Where the file is, by the environment.</summary>
    public static string PathOf(Func<string, string?> variable) => variable("NETRC") is { Length: > 0 } set ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), OperatingSystem.IsWindows() ? "_netrc" : ".netrc");
}
