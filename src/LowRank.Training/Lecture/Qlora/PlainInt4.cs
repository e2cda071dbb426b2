namespace LowRank.Training.Lecture.Qlora;

/// <summary>The plainest way to 4 bits, to compare with: whole numbers from −7 to 7, times the block's largest magnitude by 7.</summary>
internal static class PlainInt4
{
    /// <summary>What becomes of values that are stored so, block by block.</summary>
    public static void RoundTrip(Span<float> values, int blockSize)
    {
        for (var start = 0; start < values.Length; start += blockSize)
        {
            var block = values.Slice(start, Math.Min(blockSize, values.Length - start));
            var largest = 0f;
            foreach (var v in block) largest = Math.Max(largest, Math.Abs(v));
            if (largest == 0) continue;
            var scale = largest / 7;
            for (var i = 0; i < block.Length; i++) block[i] = MathF.Round(block[i] / scale) * scale;
        }
    }
}
