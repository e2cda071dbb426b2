using LowRank.Adapters;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Planning.Reports;

/// <summary>
/// The lecture's bill by hand for a 7B model (claims M1 to M5 and Q2) beside the exact one, computed from the sizes of Llama-2-7B. The lecture's figures are quoted, all others computed.
/// </summary>
public static class LectureBill
{
    private const int LectureRank = 16;
    private const long LectureLength = 512;

    /// <summary>The lines.</summary>
    public static IReadOnlyList<LectureLine> Lines()
    {
        var model = ModelShape.Read(KnownModel.Find("llama-2-7b")!.Config);
        var (r16, r8) = (Adapter(model, LectureRank), Adapter(model, LectureRank / 2));
        long width = model.Hidden, full = model.Parameters * 2, four = BaseBytes.Of(model, BasePrecision.Nf4Double), linear = BaseBytes.Nf4(model, true), kept = model.UnquantizedParameters * 2;
        long values = r16.TrainableParameters * 4, moments = r16.TrainableParameters * 8, trained = values + values + moments;
        var bill = MemoryPlanner.Predict(model, new PlannedRun { Recipe = TrainingRecipe.QloraDouble, Adapter = r16, Rows = 1, Length = LectureLength, ComputeBytes = 2, Runtime = DeviceMemory.Context }).Total;
        long twelve = model.Parameters * 12, sixteen = model.Parameters * 16;
        var half = width * LectureRank * model.Layers;
        return
        [
            new("M1", "trainable parameters", "(in × r + r × out) × modules", "(in × r + r × out) × modules", "right"),
            new("M2", Text($"q of rank {LectureRank}"), "4096 × 16 × 32 = 2 M", Text($"2 × {half:N0} = {2 * half:N0}"), "the lecture counts one of A and B; a LoRA has both"),
            new("M2", Text($"q and v of rank {LectureRank}"), "4 M, 0.06 %", Text($"{r16.TrainableParameters:N0}, {r16.PercentOf(model):0.0000} %"), Text($"4 M and 0.06 % are those of rank {LectureRank / 2}: {r8.TrainableParameters:N0}, {r8.PercentOf(model):0.0000} %")),
            new("M3", "LoRA: the model", "14 GB", Size(full), Text($"{model.Parameters:N0} parameters × 2 bytes; the lecture takes 7 G")),
            new("M3", "the adapter", "16 MB", Size(values), Text($"in fp32, as PEFT trains it; 16 MB fit rank {LectureRank} in bf16 or rank {LectureRank / 2} in fp32")),
            new("M3", "its gradients", "–", Size(values), "left out by the lecture"),
            new("M3", "the optimizer", "32 MB", Size(moments), "two fp32 moments a parameter; 32 MB is twice the lecture's 16"),
            new("M3", "together", "14.05 GB", Size(full + trained), "before activations"),
            new("M4", "QLoRA: the model", "14 / 4 = 3.5 GB", Size(four), "dividing by 4 forgets the scales and what stays in 16 bits (token table, head, norms)"),
            new("M4", "adapter, gradients, optimizer", "16 MB", Size(trained), "as in M3, gradients and moments counted"),
            new("M4", "together", "about 4 GB", Size(four + trained), "right as a round number, before activations"),
            new("M5", "full fine-tuning of 7B", "80 GB", Text($"{Size(twelve)} at 12 bytes a parameter, {Size(sixteen)} at 16"), "12: bf16 weights and gradients, fp32 moments; 16: fp32 master weights too"),
            new("M5", "LoRA or QLoRA", "8 GB, a tenth", Text($"LoRA {Size(full + trained)}, 1/{(double)twelve / (full + trained):0.0}; QLoRA {Size(bill)} with activations of one row of {LectureLength} tokens, 1/{(double)twelve / bill:0}"), "a tenth is QLoRA with activations and headroom; 16-bit LoRA is about a sixth"),
            new("Q2", "7B in 16 bits", "14 GB", Size(full), "as M3"),
            new("Q2", "7B in 4 bits", "4 GB", Text($"linear layers {Size(linear)} + 16-bit rest {Size(kept)} = {Size(four)}"), Text($"NF4 with double quantization is {8.0 * linear / model.LinearWeights:0.000} bits a weight")),
            new("Q2", "smaller by", "a quarter remains", Text($"{(double)full / four:0.00} times smaller, {2.0 * model.LinearWeights / linear:0.00} on the linear layers"), "scales, and the part that stays in 16 bits"),
        ];
    }

    private static AdapterShape Adapter(ModelShape model, int rank) => AdapterShape.Of(model, rank, "qv");

    private static string Size(long bytes) => bytes >= 1_000_000_000 ? Text($"{bytes / 1e9:0.###} GB") : Text($"{bytes / 1e6:0.0} MB");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
