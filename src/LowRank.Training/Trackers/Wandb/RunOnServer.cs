namespace LowRank.Training.Trackers.Wandb;

/// <summary>A run by the names that the server knows it by.</summary>
/// <param name="Entity">Whose it is.</param>
/// <param name="Project">Its project.</param>
/// <param name="Name">Its id.</param>
internal sealed record RunOnServer(string Entity, string Project, string Name)
{
    /// <summary>The names in one.</summary>
    public override string ToString() => $"{Entity}/{Project}/{Name}";
}
