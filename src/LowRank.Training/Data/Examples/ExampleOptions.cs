namespace LowRank.Training.Data;

/// <summary>How rows become examples.</summary>
public sealed record ExampleOptions
{
    /// <summary>What the loss counts in a conversation. Default <see cref="Data.TrainOn.Assistant"/>; other rows are not concerned.</summary>
    public TrainOn TrainOn { get; init; } = TrainOn.Assistant;

    /// <summary>
    /// Whether the white space that a template prints right behind a turn (ChatML's newline behind <c>&lt;|im_end|&gt;</c>) is learned
    /// with it. Default true: PEFT's reference runs and LLaMA-Factory's templates do so, so that losses, which are per token, can be
    /// compared; generation has stopped before it. Ignored where the template marks what is generated itself (<c>{% generation %}</c>).
    /// </summary>
    public bool LearnTurnSeparator { get; init; } = true;

    /// <summary>Whether rows without a token to learn are left out with a warning. Default false: they are an error, with their lines.</summary>
    public bool SkipUnsupervised { get; init; }

    /// <summary>Whether rows that cannot be rendered or tokenized are left out with a warning. Default false: they are an error, with their lines.</summary>
    public bool SkipBadRows { get; init; }

    /// <summary>Whether rows are preferences, of which both answers are learned from. Default false: a preference is an error then, and with true any other row is.</summary>
    public bool Preferences { get; init; }

    /// <summary>
    /// Whether rows are judged answers (KTO): answers with a label, or preferences, of which the better answer is a good and the other a bad one, an example each. Default false; ignored
    /// with <see cref="Preferences"/>.
    /// </summary>
    public bool Judged { get; init; }

    /// <summary>What is learned of rows.</summary>
    internal RowUse Use
    {
        get => Preferences ? RowUse.Pairs : Judged ? RowUse.Judgements : RowUse.Answers;
        init => (Preferences, Judged) = (value == RowUse.Pairs, value == RowUse.Judgements);
    }

    /// <summary>
    /// The most tokens an example may have; what is beyond is cut off on the right, and reported. Default 2048. Plain texts are not cut off but split into consecutive pieces, each of
    /// which begins with the last token of the one before, so that every token is learned once.
    /// </summary>
    public int MaxLength { get; init; } = 2048;
}
