using System.Net.Http.Headers;
using System.Text;
using LowRank.Training.Settings;

namespace LowRank.Training.Trackers.Mlflow;

/// <summary>An MLflow tracking server and what proves who asks.</summary>
/// <param name="Base">Its address, ending in a slash.</param>
/// <param name="Authorization">From MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; null for none.</param>
internal sealed record MlflowServer(Uri Base, AuthenticationHeaderValue? Authorization)
{
    /// <summary>The server of a run.</summary>
    /// <exception cref="SettingsException">There is no address, or it is none of a server.</exception>
    public static MlflowServer FromSettings(TrackerSettings settings) => FromSettings(settings, Environment.GetEnvironmentVariable);

    /// <summary>The server of a run.</summary>
    /// <param name="settings">The run's settings.</param>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <exception cref="SettingsException">There is no address, or it is none of a server.</exception>
    public static MlflowServer FromSettings(TrackerSettings settings, Func<string, string?> variable) =>
        (settings.MlflowUri ?? variable("MLFLOW_TRACKING_URI")) is { Length: > 0 } address ? Of(address, variable)
        : throw new SettingsException(["--tracker mlflow needs the address of a server: --mlflow-uri URL, or the variable MLFLOW_TRACKING_URI"]);

    /// <summary>The server at an address.</summary>
    /// <exception cref="SettingsException">It is none of a server.</exception>
    public static MlflowServer Of(string address, Func<string, string?> variable)
    {
        if (!Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new SettingsException([$"--mlflow-uri: \"{address}\" is not the address of a server; expected one such as http://127.0.0.1:5000"]);
        if (uri.UserInfo.Length > 0)
            throw new SettingsException(["--mlflow-uri holds a user or password, which would be kept with the run: put them into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"]);
        return new MlflowServer(uri, variable("MLFLOW_TRACKING_TOKEN") is { Length: > 0 } token ? new AuthenticationHeaderValue("Bearer", token)
            : variable("MLFLOW_TRACKING_USERNAME") is { Length: > 0 } user ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{variable("MLFLOW_TRACKING_PASSWORD")}")))
            : null);
    }
}
