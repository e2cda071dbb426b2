using Google.Protobuf;
using LowRank.Training.Trackers.TensorBoard.Proto;

namespace LowRank.Training.Trackers.TensorBoard;

/// <summary>The events of an event file, as TensorBoard's own writer makes them: scalars and texts as tensors, with the plugin that shows them named at a tag's first value.</summary>
internal static class BoardEvents
{
    /// <summary>The first event of every file.</summary>
    public static Event Version(double seconds, string writer) => new() { WallTime = seconds, FileVersion = "brain.Event:2", SourceMetadata = new SourceMetadata { Writer = writer } };

    /// <summary>A number at a step.</summary>
    /// <param name="seconds">When, in seconds since 1970.</param>
    /// <param name="step">The step.</param>
    /// <param name="tag">Its name.</param>
    /// <param name="value">It.</param>
    /// <param name="metadata">What shows it, with the first value of a tag; else null.</param>
    public static Event Scalar(double seconds, long step, string tag, double value, SummaryMetadata? metadata = null)
    {
        var tensor = new TensorProto { Dtype = DataType.DtFloat, TensorShape = new TensorShapeProto(), FloatVal = { (float)value } };
        return One(seconds, step, new Summary.Types.Value { Tag = tag, Tensor = tensor, Metadata = metadata });
    }

    /// <summary>A text in Markdown.</summary>
    public static Event Text(double seconds, long step, string tag, string markdown, SummaryMetadata? metadata = null)
    {
        var tensor = new TensorProto { Dtype = DataType.DtString, TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = 1 } } }, StringVal = { ByteString.CopyFromUtf8(markdown) } };
        return One(seconds, step, new Summary.Types.Value { Tag = tag, Tensor = tensor, Metadata = metadata });
    }

    /// <summary>From this step on, what an earlier file of the folder has no longer counts: a resumed run takes its steps anew.</summary>
    public static Event Restart(double seconds, long step) => new() { WallTime = seconds, Step = step, SessionLog = new SessionLog { Status = SessionLog.Types.SessionStatus.Start } };

    /// <summary>What shows a tag.</summary>
    public static SummaryMetadata Shown(string plugin, string display = "", string description = "") =>
        new() { PluginData = new SummaryMetadata.Types.PluginData { PluginName = plugin }, DisplayName = display, SummaryDescription = description };

    /// <summary>A summary with one value.</summary>
    public static Event One(double seconds, long step, Summary.Types.Value value) => new() { WallTime = seconds, Step = step, Summary = new Summary { Value = { value } } };
}
