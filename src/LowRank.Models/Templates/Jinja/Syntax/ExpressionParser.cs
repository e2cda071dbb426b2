namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>
/// Reads expressions, with Jinja's order of operators: conditional, or, and, not, comparisons, + -, ~, * / // %, ** (from the left, and
/// weaker than a sign), signs, filters and tests. Filters bind more tightly than all operators but signs.
/// </summary>
internal sealed class ExpressionParser(TokenStream stream)
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

    private Expression Primary(bool namespaces)
    {
        var token = stream.Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                if (token.Text is "true" or "True") return new Literal(Python.Types.Box(true)) { Line = token.Line };
                if (token.Text is "false" or "False") return new Literal(Python.Types.Box(false)) { Line = token.Line };
                if (token.Text is "none" or "None") return new Literal(null) { Line = token.Line };
                if (!namespaces || !stream.Skip(TokenKind.Dot)) return new Name(token.Text, NameUse.Load) { Line = token.Line };
                return new NamespaceTarget(token.Text, stream.Expect(TokenKind.Name, "name").Text) { Line = token.Line };
            case TokenKind.Text:
                var text = token.Text;
                while (stream.Current.Kind == TokenKind.Text) text += stream.Next().Text;
                return new Literal(text) { Line = token.Line };
            case TokenKind.Integer or TokenKind.Float: return new Literal(token.Value) { Line = token.Line };
            case TokenKind.LeftParenthesis:
                var inside = Tuple(parenthesized: true);
                stream.Expect(TokenKind.RightParenthesis, ")");
                return inside;
            case TokenKind.LeftBracket: return new ListDisplay(Items(TokenKind.RightBracket, "]", () => Expression())) { Line = token.Line };
            case TokenKind.LeftBrace:
                return new DictDisplay(Items(TokenKind.RightBrace, "}", () =>
                {
                    var key = Expression();
                    stream.Expect(TokenKind.Colon, ":");
                    return (key, Expression());
                }))
                { Line = token.Line };
            default: throw stream.Error($"unexpected '{token.Description}'", token.Line);
        }
    }

    private T[] Items<T>(TokenKind end, string sign, Func<T> item)
    {
        var items = new List<T>();
        while (stream.Current.Kind != end)
        {
            if (items.Count > 0) stream.Expect(TokenKind.Comma, ",");
            if (stream.Current.Kind == end) break;
            items.Add(item());
        }
        stream.Expect(end, sign);
        return [.. items];
    }

    private Expression Postfix(Expression node)
    {
        while (true)
        {
            var line = stream.Current.Line;
            if (stream.Skip(TokenKind.Dot))
            {
                var member = stream.Next();
                node = member.Kind switch
                {
                    TokenKind.Name => new GetAttribute(node, member.Text) { Line = line },
                    TokenKind.Integer => new GetItem(node, new Literal(member.Value) { Line = line }) { Line = line },
                    _ => throw stream.Error("expected name or number", member.Line),
                };
            }
            else if (stream.Skip(TokenKind.LeftBracket)) node = Subscript(node, line);
            else if (stream.Current.Kind == TokenKind.LeftParenthesis) node = new Call(node, CallArguments()) { Line = line };
            else return node;
        }
    }

    private Expression Subscript(Expression owner, int line)
    {
        var indices = new List<Expression>();
        while (stream.Current.Kind != TokenKind.RightBracket)
        {
            if (indices.Count > 0) stream.Expect(TokenKind.Comma, ",");
            var start = stream.Current.Kind == TokenKind.Colon ? null : Expression();
            if (start is not null && stream.Current.Kind != TokenKind.Colon) { indices.Add(start); continue; }
            stream.Next();
            var stop = stream.Current.Kind is TokenKind.Colon or TokenKind.RightBracket or TokenKind.Comma ? null : Expression();
            var step = !stream.Skip(TokenKind.Colon) || stream.Current.Kind is TokenKind.RightBracket or TokenKind.Comma ? null : Expression();
            if (indices.Count > 0 || stream.Current.Kind == TokenKind.Comma) throw stream.Error("slices of several dimensions are not supported here");
            stream.Expect(TokenKind.RightBracket, "]");
            return new GetSlice(owner, start, stop, step) { Line = line };
        }
        stream.Next();
        return new GetItem(owner, indices.Count == 1 ? indices[0] : new TupleDisplay([.. indices]) { Line = line }) { Line = line };
    }

    private Arguments CallArguments()
    {
        var open = stream.Expect(TokenKind.LeftParenthesis, "(");
        var (positional, named) = (new List<Expression>(), new List<(string Name, Expression Value)>());
        Expression? more = null, moreNamed = null;
        var another = false;
        while (stream.Current.Kind != TokenKind.RightParenthesis)
        {
            if (another)
            {
                stream.Expect(TokenKind.Comma, ",");
                if (stream.Current.Kind == TokenKind.RightParenthesis) break;
            }
            another = true;
            if (stream.Current.Kind == TokenKind.Multiply)
            {
                Ensure(more is null && moreNamed is null);
                stream.Next();
                more = Expression();
            }
            else if (stream.Current.Kind == TokenKind.Power)
            {
                Ensure(moreNamed is null);
                stream.Next();
                moreNamed = Expression();
            }
            else if (stream.Current.Kind == TokenKind.Name && stream.Ahead.Kind == TokenKind.Assign)
            {
                Ensure(moreNamed is null);
                var name = stream.Next().Text;
                stream.Next();
                if (named.Exists(n => n.Name == name)) throw new ChatTemplateException("SyntaxError", $"keyword argument repeated: {name}", open.Line);
                named.Add((name, Expression()));
            }
            else
            {
                Ensure(more is null && moreNamed is null && named.Count == 0);
                positional.Add(Expression());
            }
        }
        stream.Expect(TokenKind.RightParenthesis, ")");
        return positional.Count + named.Count == 0 && more is null && moreNamed is null ? Arguments.None : new Arguments([.. positional], [.. named], more, moreNamed);

        void Ensure(bool holds)
        {
            if (!holds) throw stream.Error("invalid syntax for function call expression", open.Line);
        }
    }

    private Expression FiltersAndTests(Expression node)
    {
        while (true)
        {
            if (stream.Current.Kind == TokenKind.Pipe) node = Filters(node)!;
            else if (stream.Current.Is("is")) node = TestOf(node);
            else if (stream.Current.Kind == TokenKind.LeftParenthesis) node = new Call(node, CallArguments()) { Line = stream.Current.Line };
            else return node;
        }
    }

    /// <summary>A chain of filters. With <paramref name="inline"/> the first stands without its bar, as in a filter block.</summary>
    public Filter? Filters(Expression? node, bool inline = false)
    {
        while (inline || stream.Skip(TokenKind.Pipe))
        {
            inline = false;
            var (name, line) = DottedName();
            node = new Filter(node, name, stream.Current.Kind == TokenKind.LeftParenthesis ? CallArguments() : Arguments.None) { Line = line };
        }
        return node as Filter;
    }

    private Expression TestOf(Expression operand)
    {
        var line = stream.Next().Line;
        var negated = stream.Skip("not");
        var (name, _) = DottedName();
        var arguments = Arguments.None;
        if (stream.Current.Kind == TokenKind.LeftParenthesis) arguments = CallArguments();
        else if (stream.Current.Kind is TokenKind.Name or TokenKind.Text or TokenKind.Integer or TokenKind.Float or TokenKind.LeftBracket or TokenKind.LeftBrace
            && !(stream.Current.Is("else") || stream.Current.Is("or") || stream.Current.Is("and")))
        {
            if (stream.Current.Is("is")) throw stream.Error("You cannot chain multiple tests with is");
            arguments = new Arguments([Postfix(Primary(namespaces: false))], [], null, null);
        }
        Expression test = new Test(operand, name, arguments) { Line = line };
        return negated ? new Not(test) { Line = line } : test;
    }

    private (string Name, int Line) DottedName()
    {
        var token = stream.Expect(TokenKind.Name, "name");
        var name = token.Text;
        while (stream.Skip(TokenKind.Dot)) name += "." + stream.Expect(TokenKind.Name, "name").Text;
        return (name, token.Line);
    }
}
