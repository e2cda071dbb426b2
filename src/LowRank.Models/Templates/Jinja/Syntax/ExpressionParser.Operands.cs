namespace LowRank.Models.Templates.Jinja.Syntax;

// The operands of expressions: literals, names, displays, and what may follow them (attributes, elements, calls, filters, tests).
internal sealed partial class ExpressionParser
{
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
