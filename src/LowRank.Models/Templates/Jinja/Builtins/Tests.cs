using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Syntax;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Builtins;

/// <summary>Jinja's tests: what can stand behind <c>is</c>.</summary>
internal static class Tests
{
    public static Dictionary<string, Builtin> All { get; } = Build();

    private static Dictionary<string, Builtin> Build()
    {
        var all = new Dictionary<string, Builtin>(StringComparer.Ordinal);
        void Ask(string name, Func<object?, bool> test) => all[name] = new Builtin(name, "", (_, value, _) => Types.Box(test(value)));
        void Compare(string sign, params string[] names)
        {
            foreach (var name in names) all[name] = new Builtin(name, "other", (_, value, a) => Types.Box(Syntax.Compare.Holds(sign, value, a[0])));
        }

        Ask("defined", v => v is not Undefined);
        Ask("undefined", v => v is Undefined);
        Ask("none", v => v is null);
        Ask("boolean", v => v is bool);
        Ask("true", v => v is true);
        Ask("false", v => v is false);
        Ask("integer", v => v is not bool && Numbers.IsInteger(v));
        Ask("float", v => v is double);
        Ask("number", Numbers.IsNumber);
        Ask("string", Texts.IsText);
        Ask("mapping", v => v is PyDict);
        Ask("iterable", Iteration.IsIterable);
        Ask("sequence", v => v is PySequence or PyDict or PyRange || Texts.IsText(v) || v is Undefined);
        Ask("callable", v => v is PyCallable or Undefined);
        Ask("escaped", Texts.IsMarkup);
        Ask("lower", v => Casing.AllCased(Texts.Plain(Representation.Str(v)), upper: false));
        Ask("upper", v => Casing.AllCased(Texts.Plain(Representation.Str(v)), upper: true));
        all["odd"] = new Builtin("odd", "", (it, v, _) => Types.Box(Comparison.AreEqual(Arithmetic.Modulo(it, v, 2L), 1L)));
        all["even"] = new Builtin("even", "", (it, v, _) => Types.Box(Comparison.AreEqual(Arithmetic.Modulo(it, v, 2L), 0L)));
        all["divisibleby"] = new Builtin("divisibleby", "num", (it, v, a) => Types.Box(Comparison.AreEqual(Arithmetic.Modulo(it, v, a[0]), 0L)));
        all["sameas"] = new Builtin("sameas", "other", (_, v, a) => Types.Box(Comparison.AreSame(v, a[0])));
        all["filter"] = new Builtin("filter", "", (_, v, _) => Types.Box(Texts.TryGet(v, out var name) && Filters.All.ContainsKey(name)));
        all["test"] = new Builtin("test", "", (_, v, _) => Types.Box(Texts.TryGet(v, out var name) && All!.ContainsKey(name)));
        Compare("in", "in");
        Compare("==", "eq", "equalto", "==");
        Compare("!=", "ne", "!=");
        Compare(">", "gt", "greaterthan", ">");
        Compare(">=", "ge", ">=");
        Compare("<", "lt", "lessthan", "<");
        Compare("<=", "le", "<=");
        return all;
    }
}
