using System.Collections;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using LowRank.Models.Templates.Jinja.Python;

namespace LowRank.Models.Templates.Jinja.Values;

/// <summary>Turns .NET and JSON values into those of the interpreter.</summary>
internal static class PythonValues
{
    /// <summary>
    /// Takes null, strings, booleans, numbers, <see cref="JsonElement"/>, dictionaries with string keys and sequences of these.
    /// </summary>
    /// <param name="value">The value.</param>
    /// <param name="text">What to make of each string in it; null to take it as it is. Keys of dictionaries are not asked about.</param>
    /// <exception cref="LowRankException">A value of another type, or JSON text with half a surrogate pair.</exception>
    public static object? From(object? value, Func<string, object>? text = null)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (value)
        {
            case null: return null;
            case string s: return text is null ? s : text(s);
            case bool b: return Types.Box(b);
            case JsonElement json: return FromJson(json, text);
            case long l: return Types.Box(l);
            case int or short or byte or sbyte or ushort or uint: return Types.Box(Convert.ToInt64(value, CultureInfo.InvariantCulture));
            case ulong u: return Types.Box((BigInteger)u);
            case BigInteger big: return Types.Box(big);
            case double or float or Half or decimal: return Convert.ToDouble(value, CultureInfo.InvariantCulture);
            case PyDict or PySequence: return value;
            case IEnumerable<KeyValuePair<string, object?>> pairs:
                var dict = new PyDict();
                foreach (var (key, item) in pairs) dict.Set(key, From(item, text));
                return dict;
            case IDictionary map when map.Keys.Cast<object>().All(k => k is string):
                var plain = new PyDict(map.Count);
                foreach (DictionaryEntry entry in map) plain.Set(entry.Key, From(entry.Value, text));
                return plain;
            case IEnumerable items:
                var list = new List<object?>();
                foreach (var item in items) list.Add(From(item, text));
                return PyList.Of(list);
            default:
                throw new LowRankException($"A chat template cannot use a value of type {value.GetType().Name}. Use strings, numbers, booleans, null, lists, dictionaries with string keys, or JsonElement.");
        }
    }

    private static object? FromJson(JsonElement json, Func<string, object>? text)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.String: return text is null ? Text(json) : text(Text(json));
            case JsonValueKind.True or JsonValueKind.False: return Types.Box(json.GetBoolean());
            case JsonValueKind.Number:
                if (json.TryGetInt64(out var whole) && json.GetRawText().AsSpan().IndexOfAny(".eE") < 0) return Types.Box(whole);
                var raw = json.GetRawText();
                return raw.AsSpan().IndexOfAny(".eE") < 0 ? BigInteger.Parse(raw, CultureInfo.InvariantCulture) : json.GetDouble();
            case JsonValueKind.Array:
                var items = new object?[json.GetArrayLength()];
                var i = 0;
                foreach (var item in json.EnumerateArray()) items[i++] = From(item, text);
                return new PyList(items);
            case JsonValueKind.Object:
                var dict = new PyDict();
                foreach (var property in json.EnumerateObject()) dict.Set(property.Name, From(property.Value, text));
                return dict;
            default: return null;
        }
    }

    private static string Text(JsonElement json)
    {
        try
        {
            return json.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            throw new LowRankException($"The JSON string {json.GetRawText()} holds half of a surrogate pair, which is no character. Write the pair whole or leave it out.", error);
        }
    }
}
