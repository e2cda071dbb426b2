namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>
/// Reads expressions, with Jinja's order of operators: conditional, or, and, not, comparisons, + -, ~, * / // %, ** (from the left, and
/// weaker than a sign), signs, filters and tests. Filters bind more tightly than all operators but signs.
/// </summary>
internal sealed partial class ExpressionParser(TokenStream stream)
{
    private const int MaxNesting = 100;
    private int _nesting;

    /// <summary>One expression, or a tuple of several with commas between.</summary>
    /// <param name="conditional">Whether <c>a if b else c</c> may stand here.</param>
    /// <param name="end">A name that ends the tuple.</param>
    /// <param name="parenthesized">In parentheses an empty tuple is allowed.</param>
    public Expression Tuple(bool conditional = true, string? end = null, bool parenthesized = false) =>
        TupleOf(() => Expression(conditional), end, parenthesized);

    private Expression TupleOf(Func<Expression> item, string? end, bool parenthesized)
    {
        var line = stream.Current.Line;
        var items = new List<Expression>();
        var isTuple = false;
        while (true)
        {
            if (items.Count > 0) stream.Expect(TokenKind.Comma, ",");
            if (stream.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd or TokenKind.RightParenthesis || (end is not null && stream.Current.Is(end))) break;
            items.Add(item());
            if (stream.Current.Kind != TokenKind.Comma) break;
            isTuple = true;
        }
        if (isTuple) return new TupleDisplay([.. items]) { Line = line };
        if (items.Count > 0) return items[0];
        return parenthesized ? new TupleDisplay([]) { Line = line } : throw stream.Error($"Expected an expression, got '{stream.Current.Description}'");
    }

    /// <summary>What stands on the left of an assignment.</summary>
    public Target Target(string? end = null, bool namespaces = false)
    {
        var line = stream.Current.Line;
        var target = TupleOf(() => Primary(namespaces), end, parenthesized: false);
        foreach (var node in target.Descend())
        {
            if (node is not Syntax.Target || node is Name { Text: "true" or "false" or "none" or "True" or "False" or "None" })
                throw stream.Error($"can't assign to '{(node is Literal ? "const" : node.GetType().Name.ToLowerInvariant())}'", line);
            if (node is Name name) name.Use = NameUse.Store;
        }
        return (Target)target;
    }

    public Name NameTarget(NameUse use)
    {
        var token = stream.Expect(TokenKind.Name, "name");
        return token.Text is "true" or "false" or "none" or "True" or "False" or "None" ? throw stream.Error("can't assign to 'name'", token.Line) : new Name(token.Text, use) { Line = token.Line };
    }

    public Expression Expression(bool conditional = true)
    {
        if (++_nesting > MaxNesting) throw stream.Error($"expressions are nested more than {MaxNesting} deep");
        var expression = conditional ? Conditional() : Or();
        _nesting--;
        return expression;
    }

    private Expression Conditional()
    {
        var line = stream.Current.Line;
        var then = Or();
        while (stream.Skip("if"))
        {
            var test = Or();
            var otherwise = stream.Skip("else") ? Expression() : null;
            then = new Conditional(test, then, otherwise) { Line = line };
        }
        return then;
    }

    private Expression Or()
    {
        var left = And();
        for (var line = stream.Current.Line; stream.Skip("or"); line = stream.Current.Line) left = new Logical(isAnd: false, left, And()) { Line = line };
        return left;
    }

    private Expression And()
    {
        var left = Not();
        for (var line = stream.Current.Line; stream.Skip("and"); line = stream.Current.Line) left = new Logical(isAnd: true, left, Not()) { Line = line };
        return left;
    }

    private Expression Not()
    {
        if (!stream.Current.Is("not")) return Comparison();
        var line = stream.Next().Line;
        if (++_nesting > MaxNesting) throw stream.Error($"expressions are nested more than {MaxNesting} deep");
        var operand = Not();
        _nesting--;
        return new Not(operand) { Line = line };
    }

    private Expression Comparison()
    {
        var line = stream.Current.Line;
        var first = Sum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (stream.Current.Kind is TokenKind.Equal or TokenKind.NotEqual or TokenKind.Less or TokenKind.LessOrEqual or TokenKind.Greater or TokenKind.GreaterOrEqual)
                rest.Add((stream.Next().Text, Sum()));
            else if (stream.Skip("in")) rest.Add(("in", Sum()));
            else if (stream.Current.Is("not") && stream.Ahead.Is("in"))
            {
                stream.Next();
                stream.Next();
                rest.Add(("not in", Sum()));
            }
            else break;
        }
        return rest.Count == 0 ? first : new Compare(first, [.. rest]) { Line = line };
    }

    private Expression Sum()
    {
        var left = Concatenation();
        while (stream.Current.Kind is TokenKind.Add or TokenKind.Subtract) left = BinaryOf(left, Concatenation);
        return left;
    }

    private Expression Concatenation()
    {
        var line = stream.Current.Line;
        var first = Product();
        if (stream.Current.Kind != TokenKind.Tilde) return first;
        var operands = new List<Expression> { first };
        while (stream.Skip(TokenKind.Tilde)) operands.Add(Product());
        return new Concatenation([.. operands]) { Line = line };
    }

    private Expression Product()
    {
        var left = Power();
        while (stream.Current.Kind is TokenKind.Multiply or TokenKind.Divide or TokenKind.FloorDivide or TokenKind.Modulo) left = BinaryOf(left, Power);
        return left;
    }

    private Expression Power()
    {
        var left = Signed(filters: true);
        while (stream.Current.Kind == TokenKind.Power) left = BinaryOf(left, () => Signed(filters: true));
        return left;
    }

    private Binary BinaryOf(Expression left, Func<Expression> right)
    {
        var sign = stream.Next();
        return new Binary(sign.Kind, left, right()) { Line = sign.Line };
    }

    private Expression Signed(bool filters)
    {
        var line = stream.Current.Line;
        Expression node;
        if (stream.Current.Kind is TokenKind.Subtract or TokenKind.Add)
        {
            var negative = stream.Next().Kind == TokenKind.Subtract;
            if (++_nesting > MaxNesting) throw stream.Error($"expressions are nested more than {MaxNesting} deep");
            node = new Signed(negative, Signed(filters: false)) { Line = line };
            _nesting--;
        }
        else node = Primary(namespaces: false);
        node = Postfix(node);
        return filters ? FiltersAndTests(node) : node;
    }
}
