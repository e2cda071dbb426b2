using LowRank.Training.Data;
using LowRank.Training.Data.Sources;
using LowRank.Training.Data.Tokens;

namespace LowRank.Training.Settings;

/// <summary>The data of a run.</summary>
public sealed record DataSettings
{
    /// <summary>The training file.</summary>
    [Setting("data", "Training data: a .jsonl, .json, .parquet, .csv, .tsv or .txt file, a folder, a pattern such as data/*.parquet, or a data set of the hub as org/name, each with :split or :file; several with commas, each with a weight as a.jsonl=2,b.jsonl=1. The shape of the rows is recognised.", Value = "DATA", Required = true)]
    public string Data { get; init; } = "";

    /// <summary>Held-out data.</summary>
    [Setting("validation", "Held-out data: a file, a folder or a hub id with its split, a number of rows, or a share of the rows such as 0.1; of a folder of data its validation split, unless 0 is given.", Value = "DATA|ROWS|SHARE")]
    public string? Validation { get; init; }

    /// <summary>What fields are called.</summary>
    [Setting("columns", "Fields of other names: the field, then its name in the file, such as prompt=question,response=answer.", Value = "FIELD=NAME,...")]
    public string? Columns { get; init; }

    /// <summary>What is done about wrong rows.</summary>
    [Setting("on-bad-row", "What is done about rows that are wrong: stop, with all of them told, or skip, with all of them counted.", Choices = ["stop", "skip"])]
    public string OnBadRow { get; init; } = "stop";

    /// <summary>Which rows are held out.</summary>
    [Setting("split-seed", "Decides which rows --validation holds back; runs of other seeds can hold back the same.", Minimum = 0, Automatic = "the seed")]
    public long? SplitSeed { get; init; }

    /// <summary>Tokens of a row.</summary>
    [Setting("max-length", "Tokens kept of a row; what is cut is counted and reported.", Minimum = 2, Automatic = "the longest row, at most 2048 and what the model was made for")]
    public int? MaxLength { get; init; }

    /// <summary>What is learned.</summary>
    [Setting("train-on", "Which turns are learned: all of the assistant, its last one, or every token.", Choices = ["assistant", "last", "all"])]
    public string TrainOn { get; init; } = "assistant";

    /// <summary>How rows are put together.</summary>
    [Setting("packing", "Pack several rows into one sequence, without attention between them.")]
    public bool Packing { get; init; }

    /// <summary>The most rows.</summary>
    [Setting("max-samples", "Use only the first rows of the file.", Minimum = 1, Automatic = "all rows")]
    public int? MaxSamples { get; init; }

    /// <summary>Order of the rows.</summary>
    [Setting("shuffle", "Give each epoch an order of its own; false keeps the order of the file.")]
    public bool Shuffle { get; init; } = true;

    /// <summary>Whether tokens are kept.</summary>
    [Setting("data-cache", "Keep tokenized data on disk, so that a second run begins at once; LOWRANK_DATA_CACHE says in which folder.", Choices = ["on", "off"])]
    public string DataCache { get; init; } = "on";

    /// <summary>How the files are read.</summary>
    internal DatasetOptions Reading() => new() { Columns = ColumnMap.Parse(Columns), OnBadRow = OnBadRow == "skip" ? BadRows.Skip : BadRows.Stop, IndexFolder = TokenCache.OfUser(DataCache == "on").Folder };
}
