using LowRank.Adapters;
using LowRank.Adapters.Lora;
using LowRank.Layers;
using LowRank.Runtime.Interop;
using LowRank.Training.Lecture.Laboratory;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Principle;

/// <summary>P2: the update is B·A; with alpha, (α/r)·B·A. What an adapted layer computes is compared with both forms.</summary>
internal sealed class ScaledUpdate : IClaimCheck
{
    private const int Rank = 8;

    public string Id => "P2";

    public Figures Measure(LectureLaboratory laboratory)
    {
        using var model = laboratory.Load();
        var figures = new Figures { ["rank"] = Rank, ["alpha"] = 2 * Rank };
        (_, figures["plain_error_alpha_is_rank"]) = Errors(model, Rank);
        (figures["scaled_error"], figures["plain_error"]) = Errors(model, 2 * Rank);
        return figures;
    }

    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["scaled_error"] < 1e-4 && figures["plain_error_alpha_is_rank"] < 1e-4,
        exactly: figures["plain_error"] < 1e-4);

    // Errors of W x + (α/r) B A x and of W x + B A x, as shares of the update's size.
    private static (double Scaled, double Plain) Errors(Models.LanguageModel model, double alpha)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // A random start, because B is zero in a usual one.
        model.Attach(new LoraConfig { Rank = Rank, Alpha = alpha, TargetModules = TargetsOf("qv"), Initialization = LoraInitialization.Random }, seed: 1);
        try
        {
            var layer = (AdaptedLinear)model.Decoder.Slots.OfType<LinearSlot>().First(s => s.Module is AdaptedLinear).Module;
            using var generator = new Generator(2, CPU);
            var x = randn([32, layer.InFeatures], generator: generator);
            var update = layer.Forward(x) - layer.Frozen.Forward(x);
            var (a, b) = ((LoraAdapter)layer.Adapter).Matrices();
            var product = x.mm(a.t()).mm(b.t());
            double Error(Tensor expected) => ((update - expected).norm() / update.norm()).item<float>();
            return (Error(product * Scalars.Of(alpha / Rank)), Error(product));
        }
        finally
        {
            model.Detach();
        }
    }

    private static ModulePattern TargetsOf(string preset) => ModulePattern.Preset(preset);
}
