namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's <c>sorted</c>: stable, and asking only whether one element is less than another.</summary>
internal static class Sorting
{
    public static void Sort<T>(T[] items, Func<T, object?> key) => Sort(items.AsSpan(), new T[items.Length], key);

    // A merge sort: .NET's stable sort wraps the errors of its comparison, which tell what the template did wrong.
    private static void Sort<T>(Span<T> items, Span<T> scratch, Func<T, object?> key)
    {
        if (items.Length < 2) return;
        var middle = items.Length / 2;
        Sort(items[..middle], scratch[..middle], key);
        Sort(items[middle..], scratch[middle..], key);
        items.CopyTo(scratch);
        for (var (left, right, i) = (0, middle, 0); i < items.Length; i++)
        {
            var takeRight = left == middle || (right < items.Length && Comparison.Compare(key(scratch[right]), key(scratch[left]), "<") < 0);
            items[i] = takeRight ? scratch[right++] : scratch[left++];
        }
    }
}
