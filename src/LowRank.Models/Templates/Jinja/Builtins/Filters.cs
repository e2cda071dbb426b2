using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary>Jinja's filters by name, with <c>tojson</c> as transformers defines it.</summary>
internal static class Filters
{
    public static Dictionary<string, Builtin> All { get; } = Build();

    private static Dictionary<string, Builtin> Build()
    {
        var all = new Dictionary<string, Builtin>(StringComparer.Ordinal);
        foreach (var filter in (Builtin[])[.. TextFilters.All, .. NumberFilters.All, .. SequenceFilters.All, .. SelectionFilters.All]) all[filter.Name] = filter;
        all["default"] = all["d"] = new Builtin("default", "default_value? boolean?", (_, v, a) =>
            v is Undefined || (a[1] is not Missing && Types.IsTrue(a[1]) && !Types.IsTrue(v)) ? (a[0] is Missing ? "" : a[0]) : v);
        all["tojson"] = new Builtin("tojson", "ensure_ascii? indent? separators? sort_keys?", (it, v, a) =>
        {
            var text = new JsonDump(IsOn(a[0]), a[1] is Missing ? null : a[1], a[2] is Missing ? null : a[2], IsOn(a[3])).Write(v);
            it.Charge(Texts.Plain(text).Length);
            return text;
        });
        all["attr"] = new Builtin("attr", "name", (_, v, a) =>
            Texts.TryGet(a[0], out var name) && Attributes.TryAttribute(v, name, out var value) ? value : Undefined.Member(v, a[0]));
        all["random"] = Refuse("random", "its result is random");
        all["urlize"] = Refuse("urlize", "no chat template needs it");
        all["e"] = all["escape"];
        all["count"] = all["length"];
        return all;

        static bool IsOn(object? argument) => argument is not Missing && Types.IsTrue(argument);

        static Builtin Refuse(string name, string why) => new(name, (_, _, _) => throw Errors.Unsupported($"the filter {name}", why));
    }

    /// <summary>Reads attributes along a path such as <c>function.name</c>, as <c>map(attribute=…)</c> and its kin do.</summary>
    public static Func<object?, object?> AttributeGetter(object? path, bool ignoreCase = false, object? whenUndefined = null)
    {
        object?[] parts = path switch
        {
            null or Missing => [],
            _ when Texts.TryGet(path, out var text) =>
                [.. text.Split('.').Select(p => p.Length > 0 && Casing.All(p, Casing.IsDigit) && long.TryParse(p, out var number) ? number : (object)p)],
            _ => [path],
        };
        return item =>
        {
            foreach (var part in parts)
            {
                item = Attributes.Item(item, part);
                if (whenUndefined is not null && item is Undefined) item = whenUndefined;
            }
            return ignoreCase ? IgnoreCase(item) : item;
        };
    }

    public static object? IgnoreCase(object? value) => Texts.TryGet(value, out var text) ? Casing.Lower(text) : value;
}
