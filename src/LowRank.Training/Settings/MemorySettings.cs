namespace LowRank.Training.Settings;

/// <summary>How much memory a run may use.</summary>
public sealed record MemorySettings
{
    /// <summary>The limit.</summary>
    [Setting("memory", "The most memory that the process may use, such as 8GB (10⁹ bytes) or 8GiB (2³⁰): a run that is planned to need more is refused before it loads the model.", Value = "SIZE", Automatic = "what the machine and the control group have free")]
    public string? Memory { get; init; }

    /// <summary>Whether to run without regard to the plan.</summary>
    [Setting("force", "Run even where the plan says that memory will not suffice; with --repeat also where what the run reads is no longer the same.")]
    public bool Force { get; init; }

    /// <summary>What happens where memory runs short in the run.</summary>
    [Setting("on-oom", "Where memory does not suffice for the next step: compute its batch in parts from there on, with the same gradient (split), or take a checkpoint and end (stop).", Choices = ["split", "stop"])]
    public string OnOom { get; init; } = "split";
}
