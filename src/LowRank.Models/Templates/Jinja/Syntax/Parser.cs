using LowRank.Models.Templates.Jinja.Runtime;

namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>Reads the statements of a template; <see cref="ExpressionParser"/> reads what stands in them.</summary>
internal sealed class Parser
{
    // Nesting of the source becomes nesting of calls, here and when rendering.
    private const int MaxNesting = 100;

    private readonly TokenStream _stream;
    private readonly ExpressionParser _expressions;
    private readonly Stack<string[]> _ends = new();
    private readonly Stack<string> _tags = new();
    private int _loops;

    private Parser(TokenStream stream)
    {
        _stream = stream;
        _expressions = new ExpressionParser(stream);
    }

    /// <exception cref="ChatTemplateException">TemplateSyntaxError.</exception>
    public static Statement[] Parse(string source)
    {
        var parser = new Parser(new TokenStream(Lexer.Tokenize(source)));
        return parser.Statements(null);
    }

    private Statement[] Statements(string[]? ends)
    {
        if (ends is not null) _ends.Push(ends);
        var body = new List<Statement>();
        var parts = new List<Expression>();
        while (_stream.Current.Kind != TokenKind.EndOfTemplate)
        {
            var token = _stream.Next();
            if (token.Kind == TokenKind.Data) parts.Add(new TemplateData(token.Text) { Line = token.Line });
            else if (token.Kind == TokenKind.VariableBegin)
            {
                parts.Add(_expressions.Tuple());
                _stream.Expect(TokenKind.VariableEnd, "end of print statement");
            }
            else
            {
                Flush();
                if (ends is not null && _stream.Current.Kind == TokenKind.Name && ends.Contains(_stream.Current.Text)) { _ends.Pop(); return [.. body]; }
                body.Add(Statement());
                _stream.Expect(TokenKind.BlockEnd, "end of statement block");
            }
        }
        Flush();
        if (ends is not null) _ends.Pop();
        return [.. body];

        void Flush()
        {
            if (parts.Count > 0) body.Add(new Output([.. parts]) { Line = parts[0].Line });
            parts.Clear();
        }
    }

    /// <summary>The body of a tag up to one of its end tags, which becomes the current token.</summary>
    private Statement[] Body(params string[] ends)
    {
        _stream.Skip(TokenKind.Colon);
        _stream.Expect(TokenKind.BlockEnd, "end of statement block");
        var body = Statements(ends);
        if (_stream.Current.Kind == TokenKind.EndOfTemplate) throw Unclosed(null, ends, _stream.Current.Line);
        return body;
    }

    /// <summary>A body with a single end tag, which is skipped.</summary>
    private Statement[] Closed(string end)
    {
        var body = Body(end);
        _stream.Next();
        return body;
    }

    private Statement Statement()
    {
        var tag = _stream.Current;
        if (tag.Kind != TokenKind.Name) throw _stream.Error("tag name expected");
        if (_tags.Count == MaxNesting) throw _stream.Error($"tags are nested more than {MaxNesting} deep");
        _tags.Push(tag.Text);
        var statement = Parse(tag);
        _tags.Pop();
        return statement;
    }

    private Statement Parse(Token tag)
    {
        switch (tag.Text)
        {
            case "for": return ParseLoop(_stream.Next().Line);
            case "if": return ParseIf(_stream.Next().Line);
            case "set": return ParseSet(_stream.Next().Line);
            case "with": return ParseWith(_stream.Next().Line);
            case "macro": return ParseMacro(_stream.Next().Line);
            case "call": return ParseCall(_stream.Next().Line);
            case "filter":
                _stream.Next();
                var filter = _expressions.Filters(null, inline: true)!;
                return new FilterBlock(filter, Closed("endfilter")) { Line = tag.Line };
            case "generation":
                _stream.Next();
                return new GenerationBlock(new MacroBody(null, [], [], OutsideLoops(() => Closed("endgeneration")))) { Line = tag.Line };
            case "autoescape":
                _stream.Next();
                return new AutoEscapeBlock(_expressions.Expression(), Closed("endautoescape")) { Line = tag.Line };
            case "block": return ParseBlock(_stream.Next().Line);
            case "print": return ParsePrint(_stream.Next().Line);
            case "break" or "continue":
                _stream.Next();
                if (_loops == 0) throw new ChatTemplateException("SyntaxError", $"'{tag.Text}' outside loop", tag.Line);
                return new LoopControl(tag.Text == "break" ? Flow.Break : Flow.Continue) { Line = tag.Line };
            case "include" or "import" or "from" or "extends": return ParseOther(_stream.Next());
            default:
                _tags.Pop();
                throw Unclosed(tag.Text, null, tag.Line);
        }
    }

    private Loop ParseLoop(int line)
    {
        var target = _expressions.Target(end: "in");
        _stream.ExpectName("in");
        var source = _expressions.Tuple(conditional: false, end: "recursive");
        var test = _stream.Skip("if") ? _expressions.Expression() : null;
        var recursive = _stream.Skip("recursive");
        _loops++;
        var body = Body("endfor", "else");
        _loops--;
        var otherwise = _stream.Next().Text == "endfor" ? [] : Closed("endfor");
        return new Loop(target, source, body, otherwise, test, recursive) { Line = line };
    }

    private If ParseIf(int line)
    {
        var test = _expressions.Tuple(conditional: false);
        var body = Body("elif", "else", "endif");
        var elifs = new List<If>();
        while (true)
        {
            var token = _stream.Next();
            if (token.Text == "endif") return new If(test, body, [.. elifs], []) { Line = line };
            if (token.Text == "else") return new If(test, body, [.. elifs], Closed("endif")) { Line = line };
            var condition = _expressions.Tuple(conditional: false);
            elifs.Add(new If(condition, Body("elif", "else", "endif"), [], []) { Line = token.Line });
        }
    }

    private Statement ParseSet(int line)
    {
        var target = _expressions.Target(namespaces: true);
        if (_stream.Skip(TokenKind.Assign)) return new Assignment(target, _expressions.Tuple()) { Line = line };
        var filter = _expressions.Filters(null);
        return new BlockAssignment(target, filter, Closed("endset")) { Line = line };
    }

    private With ParseWith(int line)
    {
        var (targets, values) = (new List<Target>(), new List<Expression>());
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (targets.Count > 0) _stream.Expect(TokenKind.Comma, ",");
            var target = _expressions.Target();
            foreach (var name in target.Descend().OfType<Name>()) name.Use = NameUse.Parameter;
            targets.Add(target);
            _stream.Expect(TokenKind.Assign, "=");
            values.Add(_expressions.Expression());
        }
        return new With([.. targets], [.. values], Closed("endwith")) { Line = line };
    }

    private Macro ParseMacro(int line)
    {
        var name = _expressions.NameTarget(NameUse.Store).Text;
        var (parameters, defaults) = Signature();
        return new Macro(name, new MacroBody(name, parameters, defaults, OutsideLoops(() => Closed("endmacro")))) { Line = line };
    }

    private CallBlock ParseCall(int line)
    {
        var (parameters, defaults) = _stream.Current.Kind == TokenKind.LeftParenthesis ? Signature() : ([], []);
        if (_expressions.Expression() is not Call call) throw _stream.Error("expected call", line);
        return new CallBlock(call, new MacroBody(null, parameters, defaults, OutsideLoops(() => Closed("endcall")))) { Line = line };
    }

    private (Name[], Expression[]) Signature()
    {
        var (names, defaults) = (new List<Name>(), new List<Expression>());
        _stream.Expect(TokenKind.LeftParenthesis, "(");
        while (_stream.Current.Kind != TokenKind.RightParenthesis)
        {
            if (names.Count > 0) _stream.Expect(TokenKind.Comma, ",");
            var name = _expressions.NameTarget(NameUse.Parameter);
            if (_stream.Skip(TokenKind.Assign)) defaults.Add(_expressions.Expression());
            else if (defaults.Count > 0) throw _stream.Error("non-default argument follows default argument");
            if (names.Exists(n => n.Text == name.Text)) throw new ChatTemplateException("SyntaxError", $"duplicate argument '{name.Text}' in function definition", name.Line);
            names.Add(name);
        }
        _stream.Next();
        return ([.. names], [.. defaults]);
    }

    private Block ParseBlock(int line)
    {
        var name = _stream.Expect(TokenKind.Name, "name").Text;
        _stream.Skip("scoped");
        if (_stream.Skip("required")) throw Errors.Unsupported("a required block", "a chat template has no child templates");
        if (_stream.Current.Kind == TokenKind.Subtract)
            throw _stream.Error("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.");
        var body = OutsideLoops(() => Closed("endblock"));
        _stream.Skip(name);
        return new Block(name, body) { Line = line };
    }

    private Output ParsePrint(int line)
    {
        var parts = new List<Expression>();
        while (_stream.Current.Kind != TokenKind.BlockEnd)
        {
            if (parts.Count > 0) _stream.Expect(TokenKind.Comma, ",");
            parts.Add(_expressions.Expression());
        }
        return new Output([.. parts]) { Line = line };
    }

    private OtherTemplate ParseOther(Token tag)
    {
        var template = _expressions.Expression();
        var names = new List<Name>();
        // What remains of the tag names variables that it would set.
        for (var previous = tag; _stream.Current.Kind != TokenKind.BlockEnd && _stream.Current.Kind != TokenKind.EndOfTemplate; previous = _stream.Next())
            if (_stream.Current.Kind == TokenKind.Name && (previous.Is("as") || (tag.Text == "from" && (previous.Is("import") || previous.Kind == TokenKind.Comma))))
                names.Add(new Name(_stream.Current.Text, NameUse.Store) { Line = tag.Line });
        return new OtherTemplate(tag.Text, template, [.. names]) { Line = tag.Line };
    }

    /// <summary>A macro's body is a function: a break in it does not reach a loop outside.</summary>
    private Statement[] OutsideLoops(Func<Statement[]> parse)
    {
        var loops = _loops;
        _loops = 0;
        var body = parse();
        _loops = loops;
        return body;
    }

    private ChatTemplateException Unclosed(string? tag, string[]? ends, int line)
    {
        if (ends is not null) _ends.Push(ends);
        var message = tag is null ? "Unexpected end of template." : $"Encountered unknown tag '{tag}'.";
        if (_ends.Count > 0)
        {
            var wanted = string.Join(" or ", _ends.Peek().Select(e => $"'{e}'"));
            message += tag is not null && _ends.Any(e => e.Contains(tag))
                ? $" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {wanted}."
                : $" Jinja was looking for the following tags: {wanted}.";
        }
        if (_tags.Count > 0) message += $" The innermost block that needs to be closed is '{_tags.Peek()}'.";
        return _stream.Error(message, line);
    }
}
