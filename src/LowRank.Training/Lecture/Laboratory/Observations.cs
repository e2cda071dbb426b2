using LowRank.Training.Evaluation;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>The base before training.</summary>
/// <param name="HeldOutLoss">Its loss on held-out rows.</param>
/// <param name="Answers">What it answers.</param>
internal sealed record BaseObservation(double HeldOutLoss, ExactMatchResult Answers);

/// <summary>A method behind its run.</summary>
/// <param name="Experiment">The run.</param>
/// <param name="Answers">What the trained model answers.</param>
internal record MethodObservation(Experiment Experiment, ExactMatchResult Answers);

/// <summary>Full fine-tuning behind its run.</summary>
/// <param name="Experiment">The run.</param>
/// <param name="Changes">The spectrum of each matrix's change.</param>
/// <param name="Answers">What the trained model answers.</param>
internal sealed record FullObservation(Experiment Experiment, IReadOnlyList<ModuleSpectrum> Changes, ExactMatchResult Answers) : MethodObservation(Experiment, Answers);

/// <summary>LoRA behind its run.</summary>
/// <param name="Experiment">The run.</param>
/// <param name="Updates">The spectrum of each module's update.</param>
/// <param name="Freeze">What became of the base.</param>
/// <param name="Merge">Logits before and after merging.</param>
/// <param name="Answers">What the trained model answers.</param>
/// <param name="BaseBytes">Bytes of the base's matrices as they are stored.</param>
internal sealed record LoraObservation(Experiment Experiment, IReadOnlyList<ModuleSpectrum> Updates, FreezeReport Freeze, MergeComparison Merge, ExactMatchResult Answers, long BaseBytes) : MethodObservation(Experiment, Answers);

/// <summary>QLoRA behind its run.</summary>
/// <param name="Experiment">The run.</param>
/// <param name="Values">The adapter's values, to be put on another base.</param>
/// <param name="Answers">What the trained model answers.</param>
/// <param name="BaseBytes">Bytes of the base's matrices as they are stored.</param>
internal sealed record QloraObservation(Experiment Experiment, AdapterValues Values, ExactMatchResult Answers, long BaseBytes) : MethodObservation(Experiment, Answers);

/// <summary>Singular values of a module's change.</summary>
/// <param name="Module">The module.</param>
/// <param name="Rows">Its outputs.</param>
/// <param name="Columns">Its inputs.</param>
/// <param name="Values">The values, the largest first.</param>
internal sealed record ModuleSpectrum(string Module, long Rows, long Columns, double[] Values);

/// <summary>What became of the frozen base in a run.</summary>
/// <param name="Tensors">Tensors of the base.</param>
/// <param name="RequiringGradient">Those that would get a gradient.</param>
/// <param name="Changed">Those whose bytes differ from before the run.</param>
/// <param name="IsFingerprintEqual">Whether the fingerprint over all of them is the same.</param>
internal sealed record FreezeReport(int Tensors, int RequiringGradient, int Changed, bool IsFingerprintEqual);
