namespace LowRank.Training.Import;

/// <summary>The dtype of matrix products. Adapter, optimizer, norms and sums are fp32 in LowRank whatever it is.</summary>
internal static class Precision
{
    /// <summary>Reads <c>bf16</c> and <c>fp16</c>.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="standard">What the tool takes where neither is there; null where it chooses.</param>
    /// <param name="off">What the tool takes where bf16 is switched off; null where it chooses.</param>
    public static void Read(SourceReader reader, string? standard, string? off)
    {
        var bf16 = reader.Document.Take("bf16");
        var fp16 = reader.Flag("fp16") == true;
        if (fp16) reader.Run.Note("fp16: --dtype is left open: on a processor the faster of fp32 and bf16 is measured, on a GPU products are in bf16, or in fp16 where it has no units for that. No loss is scaled: each fp16 product has a scale of its own.");
        if (bf16 is null)
        {
            if (!fp16) reader.Default("dtype", standard, "bf16");
        }
        else if (bf16.Text is "auto" or "full" || bf16.Flag is not null)
        {
            if (bf16.Text == "auto") reader.Run.HasNoEffect("bf16", "speed and memory alone; LowRank chooses by what is free (--checkpointing, --dtype)");
            else if (bf16.Flag != false) reader.Set("dtype", "bf16", "bf16");
            else if (off is not null && !fp16) reader.Set("dtype", off, "bf16", "bf16: false");
        }
        else reader.Refuse("bf16", $"{bf16.Shown}: expected true or false.");
    }
}
