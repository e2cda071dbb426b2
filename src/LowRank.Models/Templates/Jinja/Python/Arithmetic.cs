using System.Numerics;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>Python's arithmetic operators on all types that have them.</summary>
internal static class Arithmetic
{
    public static object Add(Interpreter interpreter, object? left, object? right)
    {
        if (left is long a && right is long b)
        {
            var sum = unchecked(a + b);
            return ((a ^ sum) & (b ^ sum)) < 0 ? (BigInteger)a + b : Types.Box(sum);
        }
        if (Texts.IsText(left))
        {
            if (!Texts.IsText(right)) throw Fail("+", left, right, $"can only concatenate str (not \"{Types.NameOf(right)}\") to str");
            interpreter.Charge(Texts.Plain(left!).Length + (long)Texts.Plain(right!).Length);
            return Texts.Concat(left!, right!);
        }
        if (left is PyList or PyTuple)
        {
            if (left is PyList != right is PyList || right is not PySequence other)
                throw Fail("+", left, right, $"can only concatenate {Types.NameOf(left)} (not \"{Types.NameOf(right)}\") to {Types.NameOf(left)}");
            var items = ((PySequence)left).Items;
            interpreter.Charge(items.Length + other.Count);
            object?[] all = [.. items, .. other.Items];
            return left is PyList ? new PyList(all) : new PyTuple(all);
        }
        if (Numeric(left, right)) return left is double || right is double ? Numbers.ToDouble(left!) + Numbers.ToDouble(right!) : Numbers.Checked(Numbers.ToBig(left!) + Numbers.ToBig(right!));
        throw Fail("+", left, right);
    }

    public static object Subtract(object? left, object? right)
    {
        if (left is long a && right is long b)
        {
            var difference = unchecked(a - b);
            return ((a ^ b) & (a ^ difference)) < 0 ? (BigInteger)a - b : Types.Box(difference);
        }
        if (!Numeric(left, right)) throw Fail("-", left, right);
        return left is double || right is double ? Numbers.ToDouble(left!) - Numbers.ToDouble(right!) : Numbers.Checked(Numbers.ToBig(left!) - Numbers.ToBig(right!));
    }

    public static object Multiply(Interpreter interpreter, object? left, object? right)
    {
        if (Numeric(left, right))
        {
            if (left is double || right is double) return Numbers.ToDouble(left!) * Numbers.ToDouble(right!);
            if (left is long a && right is long b && Math.BigMul(a, b) is var product && product >= long.MinValue && product <= long.MaxValue) return Types.Box((long)product);
            return Numbers.Checked(Numbers.ToBig(left!) * Numbers.ToBig(right!));
        }
        if (left is Undefined or null || right is Undefined or null) throw Fail("*", left, right);
        var (sequence, factor) = Texts.IsText(left) || left is PySequence ? (left, right) : (right, left);
        if (!(Texts.IsText(sequence) || sequence is PySequence)) throw Fail("*", left, right);
        if (!Numbers.IsInteger(factor)) throw Fail("*", left, right, $"can't multiply sequence by non-int of type '{Types.NameOf(factor)}'");
        var times = Math.Max(0, Numbers.ToIndex(factor));
        if (sequence is PySequence items)
        {
            interpreter.Charge((long)Int128.Min((Int128)items.Count * times, long.MaxValue));
            var all = new object?[items.Count * times];
            for (long i = 0; i < times; i++) items.Items.CopyTo(all, i * items.Count);
            return items is PyList ? new PyList(all) : new PyTuple(all);
        }
        interpreter.Charge((long)Int128.Min((Int128)Texts.Plain(sequence).Length * times, long.MaxValue));
        var builder = new TextBuilder();
        for (long i = 0; i < times; i++) builder.AppendText(sequence);
        return Texts.IsMarkup(sequence) ? Texts.AsMarkup(builder.ToValue()) : builder.ToValue();
    }

    public static object Divide(object? left, object? right)
    {
        if (!Numeric(left, right)) throw Fail("/", left, right);
        if (Numbers.ToBigOrNull(left!) is { } a && Numbers.ToBigOrNull(right!) is { } b)
        {
            if (b.IsZero) throw Errors.ZeroDivision("division by zero");
            // Exact for what a double holds exactly; beyond, the quotient of the parts keeps the size right.
            if (a.GetBitLength() <= 53 && b.GetBitLength() <= 53) return (double)a / (double)b;
            return Numbers.Quotient(a, b);
        }
        var (x, y) = (Numbers.ToDouble(left!), Numbers.ToDouble(right!));
        return y == 0 ? throw Errors.ZeroDivision("float division by zero") : x / y;
    }

    public static object FloorDivide(object? left, object? right)
    {
        if (!Numeric(left, right)) throw Fail("//", left, right);
        if (left is double || right is double)
        {
            var (x, y) = (Numbers.ToDouble(left!), Numbers.ToDouble(right!));
            if (y == 0) throw Errors.ZeroDivision("float floor division by zero");
            var quotient = (x - FloatModulo(x, y)) / y;
            return quotient == 0 ? Math.CopySign(0, x / y) : Math.Round(quotient);
        }
        var (a, b) = (Numbers.ToBig(left!), Numbers.ToBig(right!));
        if (b.IsZero) throw Errors.ZeroDivision("integer division or modulo by zero");
        var whole = BigInteger.DivRem(a, b, out var rest);
        return Types.Box(!rest.IsZero && rest.Sign < 0 != b.Sign < 0 ? whole - 1 : whole);
    }

    public static object? Modulo(Interpreter interpreter, object? left, object? right)
    {
        if (Texts.IsText(left)) return PercentFormat.Apply(interpreter, left!, right);
        if (left is long a && right is long b and not (0 or -1))
        {
            var rest = a % b;
            return Types.Box(rest != 0 && rest < 0 != b < 0 ? rest + b : rest);
        }
        if (!Numeric(left, right)) throw Fail("%", left, right);
        if (left is double || right is double)
        {
            var (x, y) = (Numbers.ToDouble(left!), Numbers.ToDouble(right!));
            return y == 0 ? throw Errors.ZeroDivision("float modulo") : FloatModulo(x, y);
        }
        var (m, n) = (Numbers.ToBig(left!), Numbers.ToBig(right!));
        if (n.IsZero) throw Errors.ZeroDivision("integer modulo by zero");
        var remainder = BigInteger.Remainder(m, n);
        return Types.Box(!remainder.IsZero && remainder.Sign < 0 != n.Sign < 0 ? remainder + n : remainder);
    }

    public static object Power(object? left, object? right)
    {
        if (!Numeric(left, right)) throw Fail("** or pow()", left, right);
        if (Numbers.ToBigOrNull(left!) is { } a && Numbers.ToBigOrNull(right!) is { Sign: >= 0 } exponent)
        {
            if (exponent.IsZero) return Types.Box(1L);
            if (a.IsZero || a.IsOne) return Types.Box(a);
            if (a == BigInteger.MinusOne) return Types.Box(exponent.IsEven ? 1L : -1L);
            // |a| is at least 2 to the power of its bits less one.
            if ((a.GetBitLength() - 1) * exponent > Numbers.MaxBits) throw Errors.Limit($"it makes an integer of more than {Numbers.MaxBits} bits");
            return Numbers.Checked(BigInteger.Pow(a, (int)exponent));
        }
        var (x, y) = (Numbers.ToDouble(left!), Numbers.ToDouble(right!));
        if (x == 0 && y < 0) throw Errors.ZeroDivision("0.0 cannot be raised to a negative power");
        if (x < 0 && y != Math.Floor(y) && double.IsFinite(x) && double.IsFinite(y)) throw Errors.Unsupported("a negative number to a fractional power", "complex numbers");
        var power = Math.Pow(x, y);
        return double.IsInfinity(power) && double.IsFinite(x) && double.IsFinite(y) ? throw Errors.Overflow("(34, 'Numerical result out of range')") : power;
    }

    public static object Negate(object? value) => value switch
    {
        long l and not long.MinValue => Types.Box(-l),
        double d => -d,
        Undefined u => throw u.Error(),
        _ when Numbers.IsInteger(value) => Types.Box(-Numbers.ToBig(value!)),
        _ => throw Errors.Type($"bad operand type for unary -: '{Types.NameOf(value)}'"),
    };

    public static object Plus(object? value) => value switch
    {
        bool b => Types.Box(b ? 1L : 0L),
        Undefined u => throw u.Error(),
        _ when Numbers.IsNumber(value) => value!,
        _ => throw Errors.Type($"bad operand type for unary +: '{Types.NameOf(value)}'"),
    };

    private static double FloatModulo(double x, double y)
    {
        if (double.IsInfinity(y) && double.IsFinite(x)) return x == 0 || x < 0 == y < 0 ? x : y;
        var rest = x % y;
        if (rest == 0) return Math.CopySign(0, y);
        return rest < 0 != y < 0 ? rest + y : rest;
    }

    private static bool Numeric(object? left, object? right) => Numbers.IsNumber(left) && Numbers.IsNumber(right);

    private static ChatTemplateException Fail(string sign, object? left, object? right, string? message = null)
    {
        if (left is Undefined u) return u.Error();
        if (right is Undefined v) return v.Error();
        return Errors.Type(message ?? $"unsupported operand type(s) for {sign}: '{Types.NameOf(left)}' and '{Types.NameOf(right)}'");
    }
}
