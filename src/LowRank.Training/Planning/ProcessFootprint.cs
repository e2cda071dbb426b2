using LowRank.Training.Planning.Shapes;

namespace LowRank.Training.Planning;

/// <summary>What a process of LowRank occupies beside model and step, measured on Linux x64: the peak of runs of SmolLM2-135M less all other parts of their plans, the mean over the configurations in docs/memory.md.</summary>
internal static class ProcessFootprint
{
    /// <summary>.NET, the parts of libtorch's code that are paged in, thread stacks, the data set.</summary>
    private const long RuntimeBytes = 260L << 20;

    /// <summary>Managed tables of the tokenizer, by entry of the vocabulary: texts, ids, merges.</summary>
    private const long BytesPerToken = 500;

    /// <summary>The process of a training run.</summary>
    public static MemoryPart OfTraining(ModelShape model) => new(RuntimeBytes + model.Vocabulary * BytesPerToken,
        FormattableString.Invariant($"{RuntimeBytes:N0} B of .NET and libtorch, measured + {model.Vocabulary:N0} tokenizer entries × {BytesPerToken} B"));
}
