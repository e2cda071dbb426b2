using LowRank.Adapters;
using LowRank.Formats;

namespace LowRank.Models.Hub.Contents;

/// <summary>An adapter of PEFT or LowRank: its configuration, its weights, and LowRank's record where there is one.</summary>
internal sealed class AdapterContent : HubContent
{
    public const string Config = LoraConfig.FileName;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Optional { get; } = [AdapterRecord.FileName];

    /// <inheritdoc/>
    public override IReadOnlyList<string> First(HubId id, IReadOnlyCollection<string> files)
    {
        if (files.Contains(Config) && files.Contains(AdapterFolder.WeightsFile))
            return [.. ((string[])[Config, AdapterRecord.FileName, AdapterFolder.WeightsFile]).Where(files.Contains)];
        var pickles = files.Where(f => PickleFiles.IsPickle(f) && f.StartsWith("adapter", StringComparison.Ordinal)).ToArray();
        throw new HubException(id, !files.Contains(Config) ? $"the repository has no {Config}, so it holds no adapter. {Listing(files)}"
            : pickles.Length > 0 ? $"the adapter's weights are not safetensors. {PickleFiles.Refusal(string.Join(", ", pickles))}"
            : $"the repository has {Config} but no {AdapterFolder.WeightsFile}. {Listing(files)}");
    }

    /// <inheritdoc/>
    public override bool IsWhole(string snapshot, Func<string, bool> isAbsent) => Has(snapshot, Config) && Has(snapshot, AdapterFolder.WeightsFile);
}
