using LowRank.Training.Lecture.Content;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Pictures;
using TorchSharp;
using static TorchSharp.torch;

namespace LowRank.Training.Lecture.Principle;

/// <summary>P4: the analogy of a compressed film: an image is a matrix too, and its best approximations of low rank can be looked at.</summary>
internal sealed class CompressedImage : IClaimCheck, IPicturedClaim
{
    private static readonly int[] Ranks = [1, 8, 32];

    public string Id => "P4";

    public Figures Measure(LectureLaboratory laboratory)
    {
        var image = LectureImage.Create();
        long rows = image.GetLength(0), columns = image.GetLength(1);
        var figures = new Figures { ["rows"] = rows, ["columns"] = columns, ["numbers"] = rows * columns };
        foreach (var rank in Ranks)
        {
            figures[$"share_rank_{rank}"] = (double)LoraNumbers(rank, rows, columns) / (rows * columns);
            figures[$"error_rank_{rank}"] = Error(image, Keep(image, rank));
        }
        return figures;
    }

    // Recognised: an error of the grey values below 3 %, which is a signal-to-noise ratio above 30 dB, for less than half of the numbers.
    public ClaimVerdict Judge(Figures figures) => ClaimVerdicts.Of(
        holds: figures["error_rank_1"] > figures["error_rank_8"] && figures["error_rank_8"] > figures["error_rank_32"] && figures["share_rank_32"] < 0.5,
        exactly: figures["error_rank_32"] < 0.03);

    public Picture Draw(LectureLaboratory laboratory, PictureText text, LectureLanguage language)
    {
        var image = LectureImage.Create();
        return new ImageGrid
        {
            Title = text.Title.In(language),
            Columns = 2,
            Images = [.. Ranks.Select((rank, i) => new CaptionedImage(text.Series[i].In(language), Keep(image, rank))), new CaptionedImage(text.Series[^1].In(language), image)],
        };
    }

    private static long LoraNumbers(long rank, long rows, long columns) => Memory.LoraSize.Pair(columns, rows, rank);

    private static float[,] Keep(float[,] image, int rank)
    {
        using var scope = NewDisposeScope();
        var (u, s, vh) = linalg.svd(tensor(image), fullMatrices: false);
        var kept = (u.narrow(1, 0, rank) * s.narrow(0, 0, rank)).mm(vh.narrow(0, 0, rank)).contiguous();
        var result = new float[image.GetLength(0), image.GetLength(1)];
        Buffer.BlockCopy(kept.data<float>().ToArray(), 0, result, 0, result.Length * sizeof(float));
        return result;
    }

    // The root of the mean squared difference; black to white is 1.
    private static double Error(float[,] image, float[,] kept)
    {
        var sum = 0.0;
        for (var y = 0; y < image.GetLength(0); y++)
            for (var x = 0; x < image.GetLength(1); x++) sum += Math.Pow(image[y, x] - kept[y, x], 2);
        return Math.Sqrt(sum / image.Length);
    }
}
