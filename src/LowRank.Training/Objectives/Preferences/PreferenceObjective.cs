using LowRank.Autograd;
using LowRank.Models.Decoder;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Packing;
using static TorchSharp.torch;

namespace LowRank.Training.Objectives.Preferences;

/// <summary>Learns preferences: both answers of a pair go through the model in one batch, and where there is a reference, its log-probabilities stand beside the model's.</summary>
internal sealed class PreferenceObjective : Objective
{
    private readonly CausalLM decoder;
    private readonly PreferenceLoss loss;
    private readonly ReferenceLogProbabilities? reference, heldOutReference;

    private PreferenceObjective(CausalLM decoder, PreferenceLoss loss, ReferenceLogProbabilities? reference, ReferenceLogProbabilities? heldOutReference, TrainerOptions options) : base(options) =>
        (this.decoder, this.loss, this.reference, this.heldOutReference) = (decoder, loss, reference, heldOutReference);

    /// <summary>The objective of a run on preferences.</summary>
    /// <exception cref="LowRankException">An example is no preference, rows are packed, or there is no base to compare with.</exception>
    public static new PreferenceObjective Of(TrainedWeights weights, IReadOnlyList<Example> examples, IReadOnlyList<Example> validation, TrainerOptions options)
    {
        if (examples.Concat(validation).FirstOrDefault(e => e.Rejected is null) is { } single)
            throw new LowRankException($"{single.Row?.Place ?? "An example"} is no preference: expected two answers, chosen and rejected.");
        if (options.Batches.Layout == BatchLayout.Packed) throw new LowRankException("Preferences are not packed: both answers of a pair stand in rows of their own. Leave --packing out.");
        var loss = new PreferenceLoss(options.Objective);
        if (!loss.NeedsReference) return new PreferenceObjective(weights.Model.Decoder, loss, null, null, options);
        var adapter = ReferenceLogProbabilities.AdapterOver(weights, "DPO");
        ReferenceLogProbabilities For(IReadOnlyList<Example> rows) => new(weights.Model, adapter, rows, options.Batches.PadTokenId);
        return new PreferenceObjective(weights.Model.Decoder, loss, For(examples), For(validation), options);
    }

    public override StepTotals Totals(IReadOnlyList<Batch> step) => loss.Totals(step);

    public override BatchLoss Backward(Batch batch, StepPlace place)
    {
        // Before the recorded pass, beside whose memory that of the reference's would stand.
        var references = References(reference, batch);
        using var scope = NewDisposeScope();
        var noise = Noise(place);
        using var input = BatchInput.Of(decoder, batch, noise);
        var tokens = loss.Tokens(batch);
        using var pass = decoder.Train(input.Decoder, Options.CheckpointedLayers, noise);
        var states = input.At(pass.Hidden, tokens);
        var (judged, gradient) = loss.Gradient(states, batch, tokens, references, place.Totals, decoder.Spec.VocabularySize, decoder.Logits, decoder.Head.IsTrained);
        pass.Backward(states, gradient);
        return new BatchLoss(loss.Sum(judged, place.Totals), judged.Sums);
    }

    public override BatchLoss Evaluate(IReadOnlyList<Example> examples, BatchOptions batches)
    {
        var all = EpochSampler.OneEpoch(examples, batches with { Shuffle = false }).ToList();
        var (totals, sum, preferences) = (loss.Totals(all), 0.0, default(PreferenceSums));
        foreach (var batch in all)
        {
            var references = References(heldOutReference, batch);
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using var input = BatchInput.Of(decoder, batch);
            var tokens = loss.Tokens(batch);
            var judged = loss.Judge(batch, tokens, ChunkedCrossEntropy.Losses(input.At(decoder.Hidden(input.Decoder), tokens), tensor(tokens.Targets, device: decoder.Device), decoder.Spec.VocabularySize, decoder.Logits), references);
            (sum, preferences) = (sum + loss.Sum(judged, totals), preferences + judged.Sums);
        }
        return new BatchLoss(sum / Math.Max(1, totals.Terms), preferences);
    }

    private static (double, double)[] References(ReferenceLogProbabilities? reference, Batch batch) => reference is null ? [] : [.. batch.Examples.Select(reference.Of)];
}
