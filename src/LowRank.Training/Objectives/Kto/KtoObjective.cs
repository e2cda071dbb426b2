using LowRank.Autograd;
using LowRank.Models.Decoder;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Objectives.Preferences;
using LowRank.Training.Packing;
using static TorchSharp.torch;

namespace LowRank.Training.Objectives.Kto;

/// <summary>
/// Learns from answers that are each judged good or bad, against the base without its adapter (arXiv:2402.01306). The reference point is computed before a step, over all of it, and is the
/// same for each of its micro-batches.
/// </summary>
internal sealed class KtoObjective : Objective
{
    private readonly CausalLM decoder;
    private readonly KtoLoss loss;
    private readonly Side training, heldOut;

    private KtoObjective(CausalLM decoder, Side training, Side heldOut, TrainerOptions options) : base(options) =>
        (this.decoder, loss, this.training, this.heldOut) = (decoder, new KtoLoss(options.Objective), training, heldOut);

    // What is known of a list of examples.
    private sealed record Side(bool[] AreGood, ReferenceLogProbabilities Reference, MismatchedAnswers Mismatched);

    /// <summary>The objective of a run on judged answers.</summary>
    /// <exception cref="LowRankException">An example is not judged, there is but one, rows are packed, or there is no base to compare with.</exception>
    public static new KtoObjective Of(TrainedWeights weights, IReadOnlyList<Example> examples, IReadOnlyList<Example> validation, TrainerOptions options)
    {
        if (options.Batches.Layout == BatchLayout.Packed) throw new LowRankException("Judged answers are not packed: each is compared as a whole. Leave --packing out.");
        if (options.Batches.BatchSize * options.Accumulate < 2)
            throw new LowRankException("KTO compares the answers of a step with each other (the reference point comes from answers behind other prompts): a step of one row has none. Take --batch 2 or more, or --accumulate.");
        foreach (var list in (IReadOnlyList<Example>[])[examples, validation])
            if (list.Count == 1) throw new LowRankException("KTO needs two rows or more, in training and held out: an answer is compared with those of other prompts.");
        var adapter = ReferenceLogProbabilities.AdapterOver(weights, "KTO");
        Side For(IReadOnlyList<Example> rows) => new(
            [.. rows.Select(e => e.IsGood ?? throw new LowRankException($"{e.Row?.Place ?? "An example"} is not judged: expected \"label\", true or false, beside its answer."))],
            new ReferenceLogProbabilities(weights.Model, adapter, rows, options.Batches.PadTokenId), new MismatchedAnswers(weights.Model, adapter, rows, options.Batches));
        return new KtoObjective(weights.Model.Decoder, For(examples), For(validation), options);
    }

    public override StepTotals Totals(IReadOnlyList<Batch> step) => Totals(step, training);

    public override BatchLoss Backward(Batch batch, StepPlace place)
    {
        // Before the recorded pass, beside whose memory that of the reference's would stand.
        var references = References(training, batch);
        using var scope = NewDisposeScope();
        var noise = Noise(place);
        using var input = BatchInput.Of(decoder, batch, noise);
        var tokens = BatchTokens.Of(batch);
        using var pass = decoder.Train(input.Decoder, Options.CheckpointedLayers, noise);
        var states = input.At(pass.Hidden, tokens);
        var (judged, gradient) = loss.Gradient(states, tokens, AreGood(training, batch), references, place.Totals, decoder.Spec.VocabularySize, decoder.Logits, decoder.Head.IsTrained);
        pass.Backward(states, gradient);
        return new BatchLoss(judged.Loss, judged.Sums);
    }

    public override BatchLoss Evaluate(IReadOnlyList<Example> examples, BatchOptions batches)
    {
        var all = EpochSampler.OneEpoch(examples, batches with { Shuffle = false }).ToList();
        var (totals, sum, preferences) = (Totals(all, heldOut), 0.0, default(PreferenceSums));
        foreach (var batch in all)
        {
            var references = References(heldOut, batch);
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using var input = BatchInput.Of(decoder, batch);
            var tokens = BatchTokens.Of(batch);
            var losses = ChunkedCrossEntropy.Losses(input.At(decoder.Hidden(input.Decoder), tokens), tensor(tokens.Targets, device: decoder.Device), decoder.Spec.VocabularySize, decoder.Logits);
            var judged = loss.Judge(tokens, losses, AreGood(heldOut, batch), references, totals.Kl);
            (sum, preferences) = (sum + judged.Loss, preferences + judged.Sums);
        }
        return new BatchLoss(sum / Math.Max(1, totals.Terms), preferences);
    }

    private static StepTotals Totals(IReadOnlyList<Batch> step, Side side)
    {
        int[] examples = [.. step.SelectMany(b => b.Examples)];
        return new StepTotals(examples.Length, Kl: examples.Length == 0 ? 0 : side.Mismatched.ReferencePoint(examples));
    }

    private static bool[] AreGood(Side side, Batch batch) => [.. batch.Examples.Select(e => side.AreGood[e])];

    private static double[] References(Side side, Batch batch) => [.. batch.Examples.Select(e => side.Reference.Of(e).Chosen)];
}
