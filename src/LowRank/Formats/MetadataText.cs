using System.Globalization;
using System.Text;

namespace LowRank.Formats;

/// <summary>Metadata values as text for people: long arrays and texts are cut, and the cut is told.</summary>
internal static class MetadataText
{
    private const int MaxElements = 8, MaxCharacters = 2000;

    public static string Of(object value)
    {
        if (value is not Array array) return Cut(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        var text = new StringBuilder("[");
        for (var i = 0; i < Math.Min(array.Length, MaxElements); i++) text.Append(i == 0 ? "" : ", ").Append(Of(array.GetValue(i)!));
        if (array.Length > MaxElements) text.Append(CultureInfo.InvariantCulture, $", … {array.Length} in all");
        return text.Append(']').ToString();
    }

    private static string Cut(string text) => text.Length <= MaxCharacters ? text
        : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, char.IsHighSurrogate(text[MaxCharacters - 1]) ? MaxCharacters - 1 : MaxCharacters)}… {text.Length} characters in all");
}
