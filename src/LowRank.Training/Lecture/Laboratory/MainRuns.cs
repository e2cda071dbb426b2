using LowRank.Adapters;
using LowRank.Adapters.Lora;
using LowRank.Layers;
using LowRank.Training.Guards;

namespace LowRank.Training.Lecture.Laboratory;

/// <summary>The three methods over one base and one task, with everything that claims ask of them.</summary>
internal static class MainRuns
{
    /// <summary>The settings of the LoRA that most claims look at.</summary>
    public static ExperimentSettings LoraSettings { get; } = new();

    /// <summary>The base before any training.</summary>
    public static BaseObservation Base(LectureLaboratory laboratory) => laboratory.Once("base", () =>
    {
        using var model = laboratory.Load();
        return new BaseObservation(laboratory.HeldOutLoss(model), laboratory.Answer(model));
    });

    /// <summary>Full fine-tuning, with the spectrum of what it changed.</summary>
    public static FullObservation Full(LectureLaboratory laboratory) => laboratory.Once("full", () =>
    {
        var (experiment, (spectra, answers)) = laboratory.Train(new ExperimentSettings { Method = "full" }, (model, _) =>
        {
            using var untouched = laboratory.Load();
            var before = untouched.Decoder.Slots.OfType<LinearSlot>().ToDictionary(s => s.Name, s => s.FrozenBase(), StringComparer.Ordinal);
            var found = new List<ModuleSpectrum>();
            foreach (var slot in model.Decoder.Slots.OfType<LinearSlot>().Where(s => !s.IsHead))
            {
                using var was = before[slot.Name].Weight.Dequantize(0, slot.Module.OutFeatures);
                using var change = ((TrainedLinear)slot.Module).Weight.Value.detach() - was;
                found.Add(new ModuleSpectrum(slot.Name, slot.Module.OutFeatures, slot.Module.InFeatures, Spectrum.Of(change)));
            }
            return (found, laboratory.Answer(model));
        });
        return new FullObservation(experiment, spectra, answers);
    });

    /// <summary>LoRA of rank 16 on all linear layers.</summary>
    public static LoraObservation Lora(LectureLaboratory laboratory) => laboratory.Once("lora", () =>
    {
        var (experiment, observed) = laboratory.Train(LoraSettings, (model, weights) =>
        {
            var freeze = FreezeWatch.Compare(laboratory, model);
            var spectra = model.Decoder.Slots.OfType<LinearSlot>().Where(s => s.Module is AdaptedLinear).Select(s =>
            {
                using var delta = ((LoraAdapter)((AdaptedLinear)s.Module).Adapter).Delta();
                return new ModuleSpectrum(s.Name, s.Module.OutFeatures, s.Module.InFeatures, Spectrum.Of(delta));
            }).ToList();
            var answers = laboratory.Answer(model);
            // Last, because the adapter is taken out for it.
            return (freeze, spectra, answers, BaseBytes: BaseTensors.StoredBytes(model.Decoder.Slots), Merge: MergeComparison.Of(model, laboratory.HeldOut));
        });
        return new LoraObservation(experiment, observed.spectra, observed.freeze, observed.Merge, observed.answers, observed.BaseBytes);
    });

    /// <summary>The same over the base in NF4 with double quantization.</summary>
    public static QloraObservation Qlora(LectureLaboratory laboratory) => laboratory.Once("qlora", () =>
    {
        var (experiment, observed) = laboratory.Train(LoraSettings with { Method = "qlora" }, (model, _) => (Answers: laboratory.Answer(model), Values: AdapterValues.Of(model.Adapter!), BaseBytes: BaseTensors.StoredBytes(model.Decoder.Slots)));
        return new QloraObservation(experiment, observed.Values, observed.Answers, observed.BaseBytes);
    });
}
