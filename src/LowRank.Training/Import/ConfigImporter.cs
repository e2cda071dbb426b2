namespace LowRank.Training.Import;

/// <summary>Reads the settings of one tool. One class for each, with the table of its keys.</summary>
internal abstract class ConfigImporter
{
    /// <summary>The tool.</summary>
    public abstract SourceTool Tool { get; }

    /// <summary>The tool's name.</summary>
    public abstract string Name { get; }

    /// <summary>The name on the command line.</summary>
    public abstract string Option { get; }

    /// <summary>Keys by which a file of this tool is recognised.</summary>
    public abstract IReadOnlyCollection<string> Marks { get; }

    /// <summary>What becomes of the keys that <see cref="Read"/> does not read.</summary>
    protected abstract KeyTable Others { get; }

    /// <summary>Brings a file into the run. Every key with a value is spoken of in it.</summary>
    public void Import(SourceReader reader)
    {
        Read(reader);
        Others.Sort(reader);
        // What was read but left no trace, such as a switch that is off, is told too.
        foreach (var key in reader.Document.Keys)
            if (reader.Document.Has(key) && !reader.Run.Mentions(key)) reader.Run.HasNoEffect(key, SourceReader.AsHere);
    }

    /// <summary>Reads what has a counterpart.</summary>
    protected abstract void Read(SourceReader reader);
}
