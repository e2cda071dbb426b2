using LowRank.Training.Lecture.Content;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Pictures;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Principle;

/// <summary>P1: the change that full fine-tuning makes lies in few directions. Beside it stands a random matrix of the same shape, which has no preferred direction.</summary>
internal sealed class FewDirections : IClaimCheck, IPicturedClaim
{
    private static readonly int[] Ranks = [1, 4, 8, 16, 32];

    public string Id => "P1";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var (full, lora) = (MainRuns.Full(laboratory), MainRuns.Lora(laboratory));
        var random = Random(laboratory);
        var figures = new Figures { ["modules"] = full.Changes.Count, ["directions"] = full.Changes.Average(m => m.Values.Length) };
        foreach (var rank in Ranks) figures[$"kept_rank_{rank}"] = full.Changes.Average(m => Spectrum.Kept(m.Values, rank));
        figures["least_kept_rank_8"] = full.Changes.Min(m => Spectrum.Kept(m.Values, 8));
        figures["random_kept_rank_8"] = random.Average(v => Spectrum.Kept(v, 8));
        figures["effective_rank"] = full.Changes.Average(m => Spectrum.EffectiveRank(m.Values));
        figures["random_effective_rank"] = random.Average(Spectrum.EffectiveRank);
        figures["adapter_rank"] = MainRuns.LoraSettings.Rank;
        figures["adapter_effective_rank"] = lora.Updates.Average(m => Spectrum.EffectiveRank(m.Values));
        foreach (var kind in lora.Updates.GroupBy(m => m.Module[(m.Module.LastIndexOf('.') + 1)..]))
            figures[$"adapter_effective_rank_{kind.Key}"] = kind.Average(m => Spectrum.EffectiveRank(m.Values));
        return figures;
    }

    // Few is what is far from chance; and all that matters is kept where nine tenths are.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["kept_rank_8"] >= 2 * figures["random_kept_rank_8"] && figures["effective_rank"] < figures["random_effective_rank"],
        exactly: figures["kept_rank_8"] >= 0.9);

    public Picture Draw(LectureLaboratory laboratory, PictureText text, LectureLanguage language)
    {
        double[][] series = [Mean(MainRuns.Full(laboratory).Changes.Select(m => m.Values)), Mean(MainRuns.Lora(laboratory).Updates.Select(m => m.Values)), Mean(Random(laboratory))];
        return new LineChart
        {
            Title = text.Title.In(language),
            XLabel = text.X!.In(language),
            YLabel = text.Y!.In(language),
            Curves = [.. series.Select((values, i) => new Curve(text.Series[i].In(language), [.. Enumerable.Range(1, values.Length).Select(n => (double)n)], values))],
        };
    }

    // What is kept by rank, averaged over modules, in percent.
    private static double[] Mean(IEnumerable<double[]> spectra)
    {
        double[][] all = [.. spectra];
        return [.. Enumerable.Range(1, Math.Min(64, all.Min(v => v.Length))).Select(rank => 100 * all.Average(v => Spectrum.Kept(v, rank)))];
    }

    private static List<double[]> Random(LectureLaboratory laboratory) => laboratory.Once("random spectra", () =>
    {
        using var generator = new Generator(1, CPU);
        return MainRuns.Full(laboratory).Changes.DistinctBy(m => (m.Rows, m.Columns)).Select(m =>
        {
            using var values = randn([m.Rows, m.Columns], generator: generator);
            return Spectrum.Of(values);
        }).ToList();
    });
}
