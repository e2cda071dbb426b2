using System.Globalization;
using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>Rows of token ids. Whether the ids lie in the vocabulary is known only with the tokenizer, when examples are built.</summary>
internal static class PretokenizedFormat
{
    private const int Ignored = -100;

    public static DataRow? Read(RowContext row)
    {
        if (Numbers(row, "input_ids", required: true) is not { } ids) return null;
        var labels = Numbers(row, "labels", required: false);
        var mask = Numbers(row, "attention_mask", required: false);
        var sound = SameLength(row, "labels", labels, ids) & SameLength(row, "attention_mask", mask, ids);
        for (var i = 0; sound && i < ids.Length; i++)
        {
            if (ids[i] < 0) sound = Fault(row, "input_ids", i, ids[i], "outside the vocabulary");
            else if (labels is not null && labels[i] != Ignored && labels[i] != ids[i])
                sound = Fault(row, "labels", i, labels[i], string.Create(CultureInfo.InvariantCulture, $"expected the token {ids[i]} itself, or -100 where it is not learned (labels are not shifted)"));
            else if (mask is not null && mask[i] is not (0 or 1)) sound = Fault(row, "attention_mask", i, mask[i], "expected 0 or 1");
        }
        if (!sound) return null;
        var kept = Enumerable.Range(0, ids.Length).Where(i => mask is null || mask[i] == 1).ToArray();
        var supervised = Array.ConvertAll(kept, i => labels is null || labels[i] != Ignored);
        if (!supervised.Contains(true)) row.WarnNothingToLearn("no token has a label other than -100");
        return new DataRow
        {
            File = row.File,
            Line = row.Line,
            Number = row.Number,
            Format = DataFormat.Pretokenized,
            InputIds = Array.ConvertAll(kept, i => ids[i]),
            Supervised = supervised,
            NothingToLearn = row.NothingToLearn,
        };
    }

    private static int[]? Numbers(RowContext row, string field, bool required)
    {
        if (!row.TryField(field, out var list))
        {
            if (required) row.Required(field, "a list of token ids");
            return null;
        }
        if (list.ValueKind == JsonValueKind.Array)
        {
            var numbers = new int[list.GetArrayLength()];
            var index = 0;
            foreach (var item in list.EnumerateArray())
                if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out numbers[index++])) goto Refuse;
            return numbers;
        }
    Refuse:
        row.Error($"\"{row.NameOf(field)}\" is not a list of whole numbers");
        return null;
    }

    private static bool SameLength(RowContext row, string field, int[]? values, int[] ids)
    {
        if (values is null || values.Length == ids.Length) return true;
        row.Error(string.Create(CultureInfo.InvariantCulture, $"\"{row.NameOf(field)}\" has {values.Length} entries, \"{row.NameOf("input_ids")}\" {ids.Length}"));
        return false;
    }

    private static bool Fault(RowContext row, string field, int index, int value, string what)
    {
        row.Error(string.Create(CultureInfo.InvariantCulture, $"entry {index + 1} of \"{row.NameOf(field)}\" is {value}: {what}"));
        return false;
    }
}
