using System.Globalization;
using System.Numerics;
using LowRank.Models.Templates.Jinja.Python;

namespace LowRank.Models.Templates.Jinja.Syntax;

/// <summary>
/// Cuts a template into tokens, as Jinja 3.1 does with <c>trim_blocks</c> and <c>lstrip_blocks</c> on: the newline behind a block tag
/// is dropped, and so is white space between the start of a line and a block tag or comment. One newline at the very end is dropped.
/// </summary>
internal sealed class Lexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;
    private int _countedTo;

    private Lexer(string source)
    {
        // ReplaceLineEndings would take form feeds and U+2028 for line ends too.
        source = source.Replace("\r\n", "\n").Replace('\r', '\n');
        _source = source.EndsWith('\n') ? source[..^1] : source;
    }

    /// <exception cref="ChatTemplateException">TemplateSyntaxError.</exception>
    public static List<Token> Tokenize(string source)
    {
        var lexer = new Lexer(source);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        var lineStart = true;
        while (_at < _source.Length)
        {
            var tag = FindTag(_at);
            if (tag < 0)
            {
                Emit(TokenKind.Data, _source[_at..]);
                _at = _source.Length;
                break;
            }
            var kind = _source[tag + 1];
            var sign = tag + 2 < _source.Length && _source[tag + 2] is '-' or '+' ? _source[tag + 2] : '\0';
            EmitData(_at, tag, sign, kind != '{', lineStart);
            _at = tag + 2 + (sign == '\0' ? 0 : 1);
            if (kind == '#') SkipComment();
            else if (kind == '%' && TryRaw()) { }
            else
            {
                Emit(kind == '{' ? TokenKind.VariableBegin : TokenKind.BlockBegin, "");
                Inside(kind == '%');
            }
            lineStart = _at > 0 && _source[_at - 1] == '\n';
        }
        Emit(TokenKind.EndOfTemplate, "");
    }

    private int FindTag(int from)
    {
        for (var i = from; (i = _source.IndexOf('{', i)) >= 0 && i + 1 < _source.Length; i++)
            if (_source[i + 1] is '{' or '%' or '#') return i;
        return -1;
    }

    private void EmitData(int start, int end, char sign, bool stripsLine, bool lineStart)
    {
        var text = _source.AsSpan(start, end - start);
        if (sign == '-')
        {
            while (text.Length > 0 && Whitespace.Is(text[^1])) text = text[..^1];
        }
        else if (sign != '+' && stripsLine)
        {
            var line = text.LastIndexOf('\n') + 1;
            if (line > 0 || lineStart)
            {
                var blank = true;
                foreach (var c in text[line..]) blank &= Whitespace.Is(c);
                if (blank) text = text[..line];
            }
        }
        if (text.Length > 0) Emit(TokenKind.Data, text.ToString());
    }

    private void SkipComment()
    {
        var end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0) throw Error("Missing end of comment tag");
        var sign = end > _at ? _source[end - 1] : '\0';
        _at = end + 2;
        AfterTag(sign, trims: true);
    }

    /// <summary>Handles <c>{% raw %} … {% endraw %}</c>; false where the tag is another one.</summary>
    private bool TryRaw()
    {
        var end = SkipSpace(_at);
        if (!_source.AsSpan(end).StartsWith("raw")) return false;
        end = SkipSpace(end + 3);
        var strips = _source.AsSpan(end).StartsWith("-%}");
        if (!strips && !_source.AsSpan(end).StartsWith("%}")) return false;
        _at = end + (strips ? 3 : 2);
        if (strips) _at = SkipSpace(_at);
        for (var tag = _at; (tag = _source.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag++)
        {
            var i = tag + 2;
            var sign = i < _source.Length && _source[i] is '-' or '+' ? _source[i++] : '\0';
            i = SkipSpace(i);
            if (!_source.AsSpan(i).StartsWith("endraw")) continue;
            i = SkipSpace(i + 6);
            var closing = i < _source.Length && _source[i] is '-' or '+' ? _source[i++] : '\0';
            if (!_source.AsSpan(i).StartsWith("%}")) continue;
            EmitData(_at, tag, sign, stripsLine: true, lineStart: _at > 0 && _source[_at - 1] == '\n');
            _at = i + 2;
            AfterTag(closing, trims: true);
            return true;
        }
        throw Error("Missing end of raw directive");
    }

    private void AfterTag(char sign, bool trims)
    {
        if (sign == '-') _at = SkipSpace(_at);
        else if (sign != '+' && trims && _at < _source.Length && _source[_at] == '\n') _at++;
    }

    private int SkipSpace(int at)
    {
        while (at < _source.Length && Whitespace.Is(_source[at])) at++;
        return at;
    }

    /// <summary>The tokens inside a tag, up to and with its end.</summary>
    private void Inside(bool block)
    {
        var end = block ? "%}" : "}}";
        var open = new Stack<char>();
        while (true)
        {
            _at = SkipSpace(_at);
            if (_at == _source.Length) return;
            var rest = _source.AsSpan(_at);
            if (open.Count == 0)
            {
                var sign = rest[0] == '-' || (block && rest[0] == '+') ? rest[0] : '\0';
                if (rest[(sign == '\0' ? 0 : 1)..].StartsWith(end))
                {
                    Emit(block ? TokenKind.BlockEnd : TokenKind.VariableEnd, "");
                    _at += sign == '\0' ? 2 : 3;
                    AfterTag(sign, trims: block);
                    return;
                }
            }
            var c = rest[0];
            if (char.IsAsciiDigit(c)) Number();
            else if (IsNamePart(c)) Name();
            else if (c is '\'' or '"') Text(c);
            else Operator(open);
        }
    }

    private void Name()
    {
        var start = _at;
        while (_at < _source.Length && IsNamePart(_source[_at])) _at++;
        var name = _source[start.._at];
        if (!Casing.IsIdentifier(name)) throw Error("Invalid character in identifier");
        Emit(TokenKind.Name, name);
    }

    private static bool IsNamePart(char c) => c == '_' || char.IsLetterOrDigit(c) || (c > '\x7f' && char.GetUnicodeCategory(c) is
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation);

    private void Number()
    {
        var start = _at;
        if (_source[_at] == '0' && _at + 1 < _source.Length && char.ToLowerInvariant(_source[_at + 1]) is var radix and ('b' or 'o' or 'x'))
        {
            _at += 2;
            var value = BigInteger.Zero;
            var size = radix == 'b' ? 2 : radix == 'o' ? 8 : 16;
            var digits = 0;
            for (; _at < _source.Length; _at++)
            {
                if (_source[_at] == '_' && _at + 1 < _source.Length && IsDigit(_source[_at + 1], size)) continue;
                if (!IsDigit(_source[_at], size)) break;
                value = value * size + Convert.ToInt32(_source[_at].ToString(), 16);
                if (++digits > Numbers.MaxDigits) break;
            }
            if (digits > Numbers.MaxDigits) throw Error($"an integer has more than {Numbers.MaxDigits} digits");
            if (digits > 0) { Emit(TokenKind.Integer, "integer", Types.Box(value)); return; }
            _at = start;
        }
        Digits();
        var isFloat = false;
        // A number after a dot is an index: x.0.1 has no floats in it.
        if (start == 0 || _source[start - 1] != '.')
        {
            if (_at + 1 < _source.Length && _source[_at] == '.' && char.IsAsciiDigit(_source[_at + 1])) { isFloat = true; _at++; Digits(); }
            if (_at < _source.Length && _source[_at] is 'e' or 'E')
            {
                var digit = _at + 1 + (_at + 1 < _source.Length && _source[_at + 1] is '+' or '-' ? 1 : 0);
                if (digit < _source.Length && char.IsAsciiDigit(_source[digit])) { isFloat = true; _at = digit; Digits(); }
            }
        }
        var text = _source[start.._at].Replace("_", "");
        if (isFloat) Emit(TokenKind.Float, "float", double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
        else
        {
            // 007 is no number: the zeros end where another digit begins.
            if (text[0] == '0' && text.AsSpan().ContainsAnyExcept('0')) throw Error("leading zeros in decimal integer literals are not permitted");
            if (text.Length > Numbers.MaxDigits) throw Error($"an integer has more than {Numbers.MaxDigits} digits");
            Emit(TokenKind.Integer, "integer", Types.Box(BigInteger.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)));
        }

        void Digits()
        {
            while (_at < _source.Length && (char.IsAsciiDigit(_source[_at]) || (_source[_at] == '_' && _at + 1 < _source.Length && char.IsAsciiDigit(_source[_at + 1])))) _at++;
        }
    }

    private static bool IsDigit(char c, int radix) => radix == 16 ? char.IsAsciiHexDigit(c) : c >= '0' && c < '0' + radix;

    private void Text(char quote)
    {
        var start = _at + 1;
        var end = start;
        while (end < _source.Length && _source[end] != quote) end += _source[end] == '\\' ? 2 : 1;
        if (end >= _source.Length) throw Error($"unexpected char {Representation.Of(_source[_at].ToString())} at {_at}");
        var text = TextLiteral.Unescape(_source.AsSpan(start, end - start), out var problem);
        if (problem is not null) throw Error(problem);
        Emit(TokenKind.Text, text!);
        _at = end + 1;
    }

    private void Operator(Stack<char> open)
    {
        var two = _at + 1 < _source.Length ? _source.Substring(_at, 2) : "";
        var kind = two switch
        {
            "//" => TokenKind.FloorDivide,
            "**" => TokenKind.Power,
            "==" => TokenKind.Equal,
            "!=" => TokenKind.NotEqual,
            ">=" => TokenKind.GreaterOrEqual,
            "<=" => TokenKind.LessOrEqual,
            _ => TokenKind.EndOfTemplate,
        };
        if (kind != TokenKind.EndOfTemplate) { Emit(kind, two); _at += 2; return; }
        var c = _source[_at];
        kind = c switch
        {
            '+' => TokenKind.Add,
            '-' => TokenKind.Subtract,
            '*' => TokenKind.Multiply,
            '/' => TokenKind.Divide,
            '%' => TokenKind.Modulo,
            '~' => TokenKind.Tilde,
            '[' => TokenKind.LeftBracket,
            ']' => TokenKind.RightBracket,
            '(' => TokenKind.LeftParenthesis,
            ')' => TokenKind.RightParenthesis,
            '{' => TokenKind.LeftBrace,
            '}' => TokenKind.RightBrace,
            '>' => TokenKind.Greater,
            '<' => TokenKind.Less,
            '=' => TokenKind.Assign,
            '.' => TokenKind.Dot,
            ':' => TokenKind.Colon,
            '|' => TokenKind.Pipe,
            ',' => TokenKind.Comma,
            ';' => TokenKind.Semicolon,
            _ => throw Error($"unexpected char {Representation.Of(c.ToString())} at {_at}"),
        };
        if (c is '(' or '[' or '{') open.Push(c == '(' ? ')' : c == '[' ? ']' : '}');
        else if (c is ')' or ']' or '}')
        {
            if (!open.TryPop(out var expected)) throw Error($"unexpected '{c}'");
            if (expected != c) throw Error($"unexpected '{c}', expected '{expected}'");
        }
        Emit(kind, c.ToString());
        _at++;
    }

    private void Emit(TokenKind kind, string text, object? value = null)
    {
        _tokens.Add(new Token(kind, text, value, CurrentLine()));
    }

    private int CurrentLine()
    {
        if (_at > _countedTo)
        {
            _line += _source.AsSpan(_countedTo, _at - _countedTo).Count('\n');
            _countedTo = _at;
        }
        return _line;
    }

    private ChatTemplateException Error(string message) => new("TemplateSyntaxError", message, CurrentLine());
}
