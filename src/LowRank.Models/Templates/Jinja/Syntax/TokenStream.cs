namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>The tokens of a template with a current position.</summary>
internal sealed class TokenStream(List<Token> tokens)
{
    private int _at;

    public Token Current => tokens[_at];

    public Token Ahead => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Next()
    {
        var token = tokens[_at];
        if (_at < tokens.Count - 1) _at++;
        return token;
    }

    public bool Skip(TokenKind kind)
    {
        if (Current.Kind != kind) return false;
        Next();
        return true;
    }

    public bool Skip(string name)
    {
        if (!Current.Is(name)) return false;
        Next();
        return true;
    }

    public Token Expect(TokenKind kind, string description)
    {
        if (Current.Kind == kind) return Next();
        throw Error(Current.Kind == TokenKind.EndOfTemplate ? $"unexpected end of template, expected '{description}'."
            : $"expected token '{description}', got '{Current.Description}'");
    }

    public Token ExpectName(string name) => Current.Is(name) ? Next() : Expect(TokenKind.EndOfTemplate + 1000, name);

    public ChatTemplateException Error(string message, int? line = null) => new("TemplateSyntaxError", message, line ?? Current.Line);
}
