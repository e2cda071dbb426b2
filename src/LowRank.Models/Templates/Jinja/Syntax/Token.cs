namespace LowRank.Models.Templates.Jinja.Syntax;

internal enum TokenKind
{
    Data, VariableBegin, VariableEnd, BlockBegin, BlockEnd, Name, Text, Integer, Float, EndOfTemplate,
    Add, Subtract, Multiply, Divide, FloorDivide, Modulo, Power, Tilde, LeftBracket, RightBracket, LeftParenthesis, RightParenthesis,
    LeftBrace, RightBrace, Equal, NotEqual, Greater, GreaterOrEqual, Less, LessOrEqual, Assign, Dot, Colon, Pipe, Comma, Semicolon,
}

/// <param name="Kind">What it is.</param>
/// <param name="Text">A name, the characters of a string literal or of template data, or an operator.</param>
/// <param name="Value">The value of a number.</param>
/// <param name="Line">Line in the template, from 1.</param>
internal readonly record struct Token(TokenKind Kind, string Text, object? Value, int Line)
{
    public bool Is(string name) => Kind == TokenKind.Name && Text == name;

    /// <summary>What an error message calls it.</summary>
    public string Description => Kind switch
    {
        TokenKind.Data => "template data / text",
        TokenKind.VariableBegin => "begin of print statement",
        TokenKind.VariableEnd => "end of print statement",
        TokenKind.BlockBegin => "begin of statement block",
        TokenKind.BlockEnd => "end of statement block",
        TokenKind.EndOfTemplate => "end of template",
        TokenKind.Text => "string",
        TokenKind.Integer => "integer",
        TokenKind.Float => "float",
        _ => Text,
    };
}
