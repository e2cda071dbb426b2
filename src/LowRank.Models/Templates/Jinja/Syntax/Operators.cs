using System.Runtime.CompilerServices;
using LowRank.Models.Templates.Jinja.Python;
using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja.Syntax;

internal sealed class Binary(TokenKind sign, Expression left, Expression right) : Expression
{
    private readonly TokenKind _sign = sign;
    private readonly Expression _left = left, _right = right;
    private Expression[]? _chain;

    public override IEnumerable<Node> Children => [_left, _right];

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (_sign == TokenKind.Add) return Sum(_chain ??= Chain(), interpreter, activation);
        interpreter.Step();
        var a = _left.Evaluate(interpreter, activation);
        var b = _right.Evaluate(interpreter, activation);
        return _sign switch
        {
            TokenKind.Subtract => Arithmetic.Subtract(a, b),
            TokenKind.Multiply => Arithmetic.Multiply(interpreter, a, b),
            TokenKind.Divide => Arithmetic.Divide(a, b),
            TokenKind.FloorDivide => Arithmetic.FloorDivide(a, b),
            TokenKind.Modulo => Arithmetic.Modulo(interpreter, a, b),
            _ => Arithmetic.Power(a, b),
        };
    }

    // a + b + c is (a + b) + c in the tree.
    private Expression[] Chain()
    {
        var operands = new List<Expression>();
        Expression first = this;
        for (; first is Binary { _sign: TokenKind.Add } sum; first = sum._left) operands.Add(sum._right);
        operands.Add(first);
        operands.Reverse();
        return [.. operands];
    }

    // From left to right, as the tree says; texts that follow each other are put together once, at the end.
    private static object? Sum(Expression[] chain, Interpreter interpreter, Activation activation)
    {
        var (sum, texts, length) = (chain[0].Evaluate(interpreter, activation), default(List<object>), 0L);
        for (var i = 1; i < chain.Length; i++)
        {
            interpreter.Step();
            var next = chain[i].Evaluate(interpreter, activation);
            if (Texts.TryGet(next, out var text) && (texts is not null || Texts.IsText(sum)))
            {
                if (texts is null) (texts, length) = ([sum!], Texts.Plain(sum!).Length);
                interpreter.Charge(length += text.Length);
                texts.Add(next!);
                continue;
            }
            sum = Arithmetic.Add(interpreter, texts is null ? sum : Texts.Concat(texts), next);
            texts = null;
        }
        return texts is null ? sum : Texts.Concat(texts);
    }
}

/// <summary><c>and</c>, <c>or</c>: give one of the operands.</summary>
internal sealed class Logical(bool isAnd, Expression left, Expression right) : Expression
{
    public override IEnumerable<Node> Children => [left, right];

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var value = left.Evaluate(interpreter, activation);
        return Types.IsTrue(value) == isAnd ? right.Evaluate(interpreter, activation) : value;
    }
}

internal sealed class Not(Expression operand) : Expression
{
    public override IEnumerable<Node> Children => [operand];

    public override object? Evaluate(Interpreter interpreter, Activation activation) => Types.Box(!Types.IsTrue(operand.Evaluate(interpreter, activation)));
}

internal sealed class Signed(bool negative, Expression operand) : Expression
{
    public override IEnumerable<Node> Children => [operand];

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        var value = operand.Evaluate(interpreter, activation);
        return negative ? Arithmetic.Negate(value) : Arithmetic.Plus(value);
    }
}

/// <summary><c>a ~ b ~ c</c>: the strings of all, joined.</summary>
internal sealed class Concatenation(Expression[] operands) : Expression
{
    public override IEnumerable<Node> Children => operands;

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        var builder = new TextBuilder(interpreter.Limits.OutputLength);
        foreach (var operand in operands)
        {
            var value = operand.Evaluate(interpreter, activation);
            var text = Representation.Str(value);
            builder.AppendText(interpreter.AutoEscape && !Texts.IsMarkup(value) ? Html.Escape(text) : text);
        }
        interpreter.Charge(builder.Length);
        return interpreter.AutoEscape ? Texts.AsMarkup(builder.ToValue()) : builder.ToValue();
    }
}

/// <summary>A chain of comparisons, <c>a &lt; b &lt;= c</c>, each operand evaluated once.</summary>
internal sealed class Compare(Expression first, (string Sign, Expression Operand)[] rest) : Expression
{
    public override IEnumerable<Node> Children => rest.Select(r => (Node)r.Operand).Prepend(first);

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        var left = first.Evaluate(interpreter, activation);
        foreach (var (sign, operand) in rest)
        {
            var right = operand.Evaluate(interpreter, activation);
            if (!Holds(sign, left, right)) return Types.Box(false);
            left = right;
        }
        return Types.Box(true);
    }

    public static bool Holds(string sign, object? left, object? right) => sign switch
    {
        "==" => Comparison.AreEqual(left, right),
        "!=" => !Comparison.AreEqual(left, right),
        "in" => Comparison.Contains(right, left),
        "not in" => !Comparison.Contains(right, left),
        "<" => Comparison.Compare(left, right, sign) < 0,
        "<=" => Comparison.Compare(left, right, sign) <= 0,
        ">" => Comparison.Compare(left, right, sign) > 0,
        _ => Comparison.Compare(left, right, sign) >= 0,
    };
}

/// <summary><c>a if test else b</c>.</summary>
internal sealed class Conditional(Expression test, Expression then, Expression? otherwise) : Expression
{
    public override IEnumerable<Node> Children => otherwise is null ? [test, then] : [test, then, otherwise];

    public override object? Evaluate(Interpreter interpreter, Activation activation)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (Types.IsTrue(test.Evaluate(interpreter, activation))) return then.Evaluate(interpreter, activation);
        return otherwise is not null ? otherwise.Evaluate(interpreter, activation)
            : Undefined.Because($"the inline if-expression on line {Line} evaluated to false and no else section was defined.");
    }
}
