using System.Globalization;
using LowRank.Models;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Training.Guards;

namespace LowRank.Training.Data;

/// <summary>
/// Makes examples of rows: renders the conversation, cuts it into tokens, marks by position those to learn, and cuts off what is too
/// long. Safe for use by several threads.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Conversations need a chat template, which prints begin and end of the text itself: no token is added (as Transformers'
/// <c>apply_chat_template</c>). Assistant turns are learned with the token that ends them, as <see cref="ExampleOptions.TrainOn"/> says.</item>
/// <item>Prompt and completion are a user and an assistant turn where there is a chat template; else their texts follow each other, and
/// the completion and an end-of-sequence token are learned.</item>
/// <item>Of plain text every token is learned, and an end-of-sequence token behind it; a text that is too long becomes several examples.</item>
/// <item>Of a preference both answers are made as any other row would be; where answers are judged, they become an example each.</item>
/// </list>
/// </remarks>
public sealed class ExampleBuilder
{
    private readonly Tokenizer tokenizer;
    private readonly RowRenderer renderer;
    private readonly int? endOfSequence;

    /// <summary>A builder with the tokenizer, template and end of text of a loaded model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How rows become examples; null for the defaults.</param>
    public static ExampleBuilder For(LanguageModel model, ExampleOptions? options = null) =>
        new(model.Tokenizer, model.ChatTemplate, model.TokenizerConfig.EosToken, options);

    /// <summary>A builder for one model.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's chat template; null for a model without one, with which conversations are refused.</param>
    /// <param name="endOfSequence">The token that ends a text, such as <c>&lt;/s&gt;</c>; null takes that of the template, if it knows one.</param>
    /// <param name="options">How rows become examples; null for the defaults.</param>
    /// <exception cref="LowRankException">The tokenizer has no such token as <paramref name="endOfSequence"/>.</exception>
    public ExampleBuilder(Tokenizer tokenizer, ChatTemplate? template, string? endOfSequence = null, ExampleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        this.tokenizer = tokenizer;
        Options = options ?? new ExampleOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(Options.MaxLength, 2);
        renderer = new RowRenderer(template, [.. tokenizer.AddedTokens.Where(t => t.Special).Select(t => t.Content)], Options);
        if ((endOfSequence ?? template?.EndOfSequenceToken) is { } token)
            this.endOfSequence = tokenizer.TokenToId(token) ?? throw new LowRankException($"the end-of-sequence token \"{token}\" is not in the tokenizer's vocabulary");
    }

    private ExampleBuilder(ExampleBuilder other, ExampleOptions options) => (tokenizer, renderer, endOfSequence, Options) = (other.tokenizer, other.renderer, other.endOfSequence, options);

    /// <summary>How rows become examples.</summary>
    public ExampleOptions Options { get; }

    /// <summary>Makes the examples of all rows, on all cores. The result does not depend on how many there are.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="cancellation">Stops the work.</param>
    /// <returns>The examples in the order of the rows, without those that truncation left nothing to learn from.</returns>
    /// <exception cref="DatasetException">Some rows cannot be rendered or hold nothing to learn from; all of them are listed.</exception>
    /// <exception cref="LowRankException">There are no rows, or truncation leaves none of them anything to learn from.</exception>
    public ExampleSet Build(IReadOnlyList<DataRow> rows, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0) throw new LowRankException("there are no rows to make examples of");
        var (examples, problems) = BuildAll(rows, cancellation);
        return Assemble(rows, examples, problems);
    }

    /// <summary>The set of examples that are there already, in the order of the rows, null for a row that has none.</summary>
    internal ExampleSet Assemble(IReadOnlyList<DataRow> rows, IReadOnlyList<Example?> examples, List<Problem> problems)
    {
        var warnings = problems.FindAll(p => p.Severity == ProblemSeverity.Warning);
        if (problems.Count > warnings.Count) throw new DatasetException(problems, problems.Count);
        var report = Truncation.Report(examples, Options.MaxLength);
        if (examples.All(e => e is null)) throw new DatasetException(rows[0].File, $"none of its {rows.Count} rows has a token to learn") { GuardId = GuardIds.NothingSupervised };
        var kept = examples is StoredExamples stored ? stored.Learnable() : (IReadOnlyList<Example>)[.. examples.Where(e => e is { HasSupervised: true }).Cast<Example>()];
        if (kept.Count == 0)
            throw new LowRankException(string.Create(CultureInfo.InvariantCulture,
                $"{rows[0].File}: cut to {Options.MaxLength} tokens, none of the {rows.Count} rows keeps a token to learn (their prompts alone are longer); raise the maximum length"))
            { GuardId = GuardIds.AllTruncated };
        return new ExampleSet(kept, report) { Warnings = warnings };
    }

    /// <summary>The examples of all rows in order, null for a row that has none, and why. Dropped examples are still there.</summary>
    internal (Example?[] Examples, List<Problem> Problems) BuildAll(IReadOnlyList<DataRow> rows, CancellationToken cancellation, int threads = -1)
    {
        var examples = new Example?[rows.Count];
        var problems = new Problem?[rows.Count];
        Parallel.For(0, rows.Count, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = threads }, i => (examples[i], problems[i]) = BuildOne(rows[i]));
        return ([.. examples.SelectMany(Pieces)], [.. problems.OfType<Problem>()]);
    }

    private Example?[] Pieces(Example? example)
    {
        if (example is null) return [null];
        if (Options.Use == RowUse.Judgements && example.Rejected is not null) return [.. example.Judged()];
        return TextPieces.Of(example, Options.MaxLength);
    }

    /// <summary>The example of a row, or null and why there is none. A plain text is whole, however long: <see cref="TextPieces"/> splits it.</summary>
    internal (Example? Example, Problem? Problem) BuildOne(DataRow row)
    {
        try
        {
            if (RowObjectives.Refusal(row.Format, Options.Use) is { } refusal) return (null, Fault(row, refusal));
            if (row.NothingToLearn is { } reason) return (null, Unsupervised(row, reason));
            if (row.Chosen is not null && Options.Use != RowUse.Answers) return BuildPair(row);
            var text = row.InputIds is null ? renderer.Render(row) : default;
            var (ids, learned) = row.InputIds is { } given ? Given(row, given) : Tokenize(text);
            if (!HasAny(ids, learned)) return (null, Unsupervised(row, NothingPrinted));
            return (row.Text is null ? Truncation.Cut(ids, learned, row, Options.MaxLength) : new Example(ids, learned, row), Warning(row, text));
        }
        catch (LowRankException fault)
        {
            return (null, Options.SkipBadRows ? new Problem(ProblemSeverity.Warning, row.File, row.Line, 0, fault.Message + "; the row is left out") : Fault(row, fault.Message));
        }
    }

    // Both answers behind their prompt, each as any other row would be.
    private (Example? Example, Problem? Problem) BuildPair(DataRow row)
    {
        RowText[] sides = [.. RowObjectives.Answers(row).Select(renderer.Render)];
        var ((ids, learned), (worse, worseLearned)) = (Tokenize(sides[0]), Tokenize(sides[1]));
        if (!HasAny(ids, learned) || !HasAny(worse, worseLearned)) return (null, Unsupervised(row, NothingPrinted));
        return (Truncation.Cut((ids, learned), (worse, worseLearned), row, Options.MaxLength), Warning(row, sides[0]));
    }

    /// <summary>The same builder, to which preferences are no pairs but two rows of one answer each, and judged answers are answers.</summary>
    internal ExampleBuilder ForAnswers() => Options.Use == RowUse.Answers ? this : new ExampleBuilder(this, Options with { Use = RowUse.Answers });

    private const string NothingPrinted = "no supervised token: the chat template prints nothing of what is to be learned, or the row is one token long";

    private static bool HasAny(int[] ids, bool[] learned) => ids.Length > 0 && learned.AsSpan(1).Contains(true);

    private static Problem? Warning(DataRow row, RowText text) => NotPrinted(text) is { } lost ? new Problem(ProblemSeverity.Warning, row.File, row.Line, 0, lost) : null;

    /// <summary>What of the row the chat template leaves out, or null.</summary>
    private static string? NotPrinted(RowText text)
    {
        var calls = text.LostCalls == 0 ? null : string.Create(CultureInfo.InvariantCulture,
            $"the model's chat template does not print tool calls: {text.LostCalls} assistant {(text.LostCalls == 1 ? "turn that calls a tool is" : "turns that call tools are")} not learned");
        var thoughts = text.LostThoughts == 0 ? null : string.Create(CultureInfo.InvariantCulture,
            $"the model's chat template does not print the reasoning of {text.LostThoughts} assistant {(text.LostThoughts == 1 ? "turn" : "turns")}: it is not learned, the answer is");
        return calls is null ? thoughts : thoughts is null ? calls : $"{calls}; {thoughts}";
    }

    private Problem Unsupervised(DataRow row, string message)
    {
        var problem = Options.SkipUnsupervised ? new Problem(ProblemSeverity.Warning, row.File, row.Line, 0, message + "; the row is left out") : Fault(row, message);
        return problem with { GuardId = GuardIds.NothingSupervised };
    }

    private static Problem Fault(DataRow row, string message) => new(ProblemSeverity.Error, row.File, row.Line, 0, message);

    private (int[], bool[]) Tokenize(RowText row)
    {
        var encoding = tokenizer.EncodeWithOffsets(row.Text, addSpecialTokens: !row.IsComplete);
        var (ids, learned) = (encoding.Ids, SpanMask.Mark(encoding.Offsets, row.Learned));
        if (row.IsComplete || endOfSequence is not { } end) return (ids, learned);
        if (ids.Length == 0 || ids[^1] != end) (ids, learned) = ([.. ids, end], [.. learned, true]);
        // The tokenizer may have added it already, as a token that stands for no text.
        learned[^1] = true;
        return (ids, learned);
    }

    private (int[], bool[]) Given(DataRow row, IReadOnlyList<int> ids)
    {
        for (var i = 0; i < ids.Count; i++)
            if (ids[i] >= tokenizer.VocabularySize)
                throw new LowRankException(string.Create(CultureInfo.InvariantCulture,
                    $"entry {i + 1} of the token ids is {ids[i]}, outside the vocabulary of {tokenizer.VocabularySize} tokens"));
        return ([.. ids], [.. row.Supervised!]);
    }
}
