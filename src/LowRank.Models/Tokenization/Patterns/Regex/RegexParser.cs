using System.Globalization;
using System.Text;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>
/// Reads the part of Oniguruma's (Ruby) syntax that tokenizers use: alternation, groups, inline i and m, look-around, atomic groups,
/// greedy, lazy and possessive repeats, classes with nesting and intersection, properties. What it does not know it refuses by name.
/// Character classes are read by <see cref="CharacterClassParser"/>.
/// </summary>
internal sealed class RegexParser
{
    private readonly RegexCursor _at;
    private bool _ignoreCase, _dotAll;

    private RegexParser(RegexCursor cursor) => _at = cursor;

    /// <summary>Parses a whole expression.</summary>
    public static RegexNode Parse(string pattern, string source)
    {
        var parser = new RegexParser(new RegexCursor(pattern, source));
        var node = parser.Alternation();
        return parser._at.AtEnd ? node : throw parser._at.Invalid("a closing parenthesis without an opening one");
    }

    private RegexNode Alternation()
    {
        var items = new List<RegexNode> { Sequence() };
        while (_at.TryTake('|')) items.Add(Sequence());
        return items.Count == 1 ? items[0] : new RegexNode.Alternate(items);
    }

    private RegexNode Sequence()
    {
        var items = new List<RegexNode>();
        while (!_at.AtEnd && _at.Peek is not ('|' or ')'))
        {
            if (_at.LooksAt("(?") && Flags() is { } flagged)
            {
                items.Add(flagged);
                continue;
            }
            items.Add(Repeats(Atom()));
        }
        return items.Count == 1 ? items[0] : new RegexNode.Concat(items);
    }

    private RegexNode? Flags()
    {
        var end = _at.Position + 2;
        while (end < _at.Pattern.Length && _at.Pattern[end] is 'i' or 'm' or 'x' or '-') end++;
        if (end == _at.Position + 2 || end >= _at.Pattern.Length || _at.Pattern[end] is not (':' or ')')) return null;
        var (ignoreCase, dotAll) = (_ignoreCase, _dotAll);
        var on = true;
        foreach (var flag in _at.Pattern[(_at.Position + 2)..end])
            switch (flag)
            {
                case '-': on = false; break;
                case 'i': _ignoreCase = on; break;
                case 'm': _dotAll = on; break;
                default: throw _at.Unsupported($"(?{flag})");
            }
        var isolated = _at.Pattern[end] == ')';
        _at.Position = end + 1;
        var inner = Alternation();
        (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
        // Oniguruma: an isolated (?i) holds to the end of the group, alternatives included, so nothing is left to read there.
        if (isolated) return inner;
        _at.Expect(')');
        return Repeats(inner);
    }

    private RegexNode Atom()
    {
        var c = _at.Take();
        switch (c)
        {
            case '(': return Group();
            case '[': return new RegexNode.Set(CharacterClassParser.Parse(_at, _ignoreCase));
            case '.': return new RegexNode.Set((_dotAll ? new CodePointSet().Add(0, 0x10FFFF) : new CodePointSet { Negated = true }.Add('\n', '\n')).Freeze());
            case '^': return new RegexNode.Anchor(AnchorKind.LineStart);
            case '$': return new RegexNode.Anchor(AnchorKind.LineEnd);
            case '\\': return Escape();
            case '*' or '+' or '?': throw _at.Invalid($"'{new Rune(c)}' with nothing to repeat");
            default: return Literal(c);
        }
    }

    private RegexNode Group()
    {
        if (!_at.TryTake('?')) return Close(Scoped()); // a capture: what it captured is never asked for
        if (_at.TryTake(':')) return Close(Scoped());
        if (_at.TryTake('=')) return new RegexNode.Look(Close(Scoped()), Behind: false, Negative: false);
        if (_at.TryTake('!')) return new RegexNode.Look(Close(Scoped()), Behind: false, Negative: true);
        if (_at.TryTake('>')) return new RegexNode.Atomic(Close(Scoped()));
        if (_at.TryTake("<=")) return new RegexNode.Look(Close(Scoped()), Behind: true, Negative: false);
        if (_at.TryTake("<!")) return new RegexNode.Look(Close(Scoped()), Behind: true, Negative: true);
        if (_at.TryTake('<') || _at.TryTake('\''))
        {
            while (_at.Take() is not ('>' or '\'')) { }
            return Close(Scoped());
        }
        throw _at.Unsupported("group (?" + (_at.AtEnd ? "" : new Rune(_at.Peek).ToString()));
    }

    private RegexNode Scoped()
    {
        var (ignoreCase, dotAll) = (_ignoreCase, _dotAll);
        var node = Alternation();
        (_ignoreCase, _dotAll) = (ignoreCase, dotAll);
        return node;
    }

    private RegexNode Close(RegexNode node)
    {
        _at.Expect(')');
        return node;
    }

    private RegexNode Escape()
    {
        if (_at.AtEnd) throw _at.Invalid("a backslash at the end");
        switch (_at.Peek)
        {
            case 'A': _at.Take(); return new RegexNode.Anchor(AnchorKind.TextStart);
            case 'z': _at.Take(); return new RegexNode.Anchor(AnchorKind.TextEnd);
            case 'Z': _at.Take(); return new RegexNode.Anchor(AnchorKind.TextEndOrFinalNewline);
            case 'b': _at.Take(); return new RegexNode.Anchor(AnchorKind.WordBoundary);
            case 'B': _at.Take(); return new RegexNode.Anchor(AnchorKind.NotWordBoundary);
        }
        return CharacterClassParser.TryClassEscape(_at) is { } set ? new RegexNode.Set(set.Freeze()) : Literal(CharacterClassParser.CharacterEscape(_at));
    }

    private RegexNode Literal(int c)
    {
        var set = new CodePointSet().Add(c, c);
        if (_ignoreCase) CaseVariants.AddTo(set, c);
        return new RegexNode.Set(set.Freeze());
    }

    private RegexNode Repeats(RegexNode node)
    {
        while (!_at.AtEnd)
        {
            int min, max;
            var interval = false;
            if (_at.TryTake('*')) (min, max) = (0, int.MaxValue);
            else if (_at.TryTake('+')) (min, max) = (1, int.MaxValue);
            else if (_at.TryTake('?')) (min, max) = (0, 1);
            else if (_at.Peek == '{' && TryInterval(out min, out max)) interval = true;
            else break;
            // In this syntax {n,m}+ is a repeated interval, not a possessive one, and {n}? makes the whole optional.
            if (interval && min == max && _at.TryTake('?'))
            {
                node = new RegexNode.Repeat(new RegexNode.Repeat(node, min, max, RepeatKind.Greedy), 0, 1, RepeatKind.Greedy);
                continue;
            }
            var kind = _at.TryTake('?') ? RepeatKind.Lazy : !interval && _at.TryTake('+') ? RepeatKind.Possessive : RepeatKind.Greedy;
            node = new RegexNode.Repeat(node, min, max, kind);
        }
        return node;
    }

    private bool TryInterval(out int min, out int max)
    {
        (min, max) = (0, 0);
        var close = _at.Pattern.IndexOf('}', _at.Position);
        if (close < 0) return false;
        var body = _at.Pattern.AsSpan((_at.Position + 1)..close);
        var comma = body.IndexOf(',');
        var low = comma < 0 ? body : body[..comma];
        var high = comma < 0 ? body : body[(comma + 1)..];
        if (low.IsEmpty && high.IsEmpty) return false;
        max = int.MaxValue;
        if (!low.IsEmpty && !int.TryParse(low, NumberStyles.None, CultureInfo.InvariantCulture, out min)) return false;
        if (!high.IsEmpty && !int.TryParse(high, NumberStyles.None, CultureInfo.InvariantCulture, out max)) return false;
        if (max < min || min > 1000 || max is > 1000 and not int.MaxValue) throw _at.Invalid($"the repetition {{{body}}}");
        _at.Position = close + 1;
        return true;
    }
}
