using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>Runs a program by backtracking, with its own stack. One search at a time.</summary>
internal sealed class RegexMatcher(RegexProgram program, string pattern, string source)
{
    /// <summary>More choices than this for one match mean an expression that explodes; the text would never be done.</summary>
    private const int MaxStack = 1 << 24;

    private readonly Instruction[] _code = program.Code;
    private readonly int[] _marks = new int[program.Marks];
    private Choice[] _stack = new Choice[256];
    private int _depth;

    /// <summary>Finds the leftmost match that begins at or after <paramref name="from"/>.</summary>
    public bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end)
    {
        var first = program.FirstBytes;
        for (start = from; start <= text.Length; start += start < text.Length ? Utf8.LengthAt(text, start) : 1)
        {
            if (first is not null && (start == text.Length || !first[text[start]])) continue;
            _depth = 0;
            end = Run(text, 0, start, -1);
            if (end >= 0) return true;
        }
        end = start;
        return false;
    }

    /// <summary>Runs from an instruction to its Accept; the end of the match, or -1. With <paramref name="mustEnd"/> above -1 it has to end there.</summary>
    private int Run(ReadOnlySpan<byte> text, int pc, int at, int mustEnd)
    {
        var floor = _depth;
        while (true)
        {
            var i = _code[pc];
            var failed = false;
            switch (i.Operation)
            {
                case Operation.Set:
                    if (at < text.Length && i.Set!.Contains(Utf8.At(text, at, out var length))) (at, pc) = (at + length, pc + 1);
                    else failed = true;
                    break;
                case Operation.SetRun:
                    failed = !TakeRun(text, i, pc, ref at);
                    pc++;
                    break;
                case Operation.Split:
                    if (i.FirstBytes is { } first && (at == text.Length || !first[text[at]])) pc = i.Other;
                    else
                    {
                        Push(new Choice(i.Other, at, at));
                        pc = i.Target;
                    }
                    break;
                case Operation.Jump:
                    pc = i.Target;
                    break;
                case Operation.Look:
                    failed = (i.Behind ? LookBehind(text, i, pc + 1, at) : Run(text, pc + 1, at, -1) >= 0) == i.Negative;
                    pc = i.Target;
                    break;
                case Operation.Atomic:
                    at = Run(text, pc + 1, at, -1);
                    failed = at < 0;
                    pc = i.Target;
                    break;
                case Operation.Anchor:
                    failed = !Anchors.Holds(i.Anchor, text, at);
                    pc++;
                    break;
                case Operation.MarkProgress:
                    Push(new Choice(Choice.RestoreMark - i.Target, _marks[i.Target], 0));
                    _marks[i.Target] = at;
                    pc++;
                    break;
                case Operation.CheckProgress:
                    // A round that took nothing would repeat for ever: leave the loop, whose Jump comes next.
                    pc += _marks[i.Target] == at ? 2 : 1;
                    break;
                case Operation.Accept:
                    if (mustEnd < 0 || at == mustEnd)
                    {
                        _depth = floor;
                        return at;
                    }
                    failed = true;
                    break;
            }
            if (failed && !Backtrack(text, floor, out pc, out at)) return -1;
        }
    }

    private bool TakeRun(ReadOnlySpan<byte> text, Instruction i, int pc, ref int at)
    {
        var set = i.Set!;
        var count = 0;
        var least = at;
        while (count < i.Max && at < text.Length && set.Contains(Utf8.At(text, at, out var length)))
        {
            at += length;
            if (++count == i.Min) least = at;
        }
        if (count < i.Min) return false;
        if (i.Kind == RepeatKind.Greedy && at > least) Push(new Choice(pc + 1, at, least));
        return true;
    }

    private bool Backtrack(ReadOnlySpan<byte> text, int floor, out int pc, out int at)
    {
        while (_depth > floor)
        {
            ref var choice = ref _stack[_depth - 1];
            if (choice.Pc <= Choice.RestoreMark)
            {
                _marks[Choice.RestoreMark - choice.Pc] = choice.At;
                _depth--;
                continue;
            }
            pc = choice.Pc;
            if (choice.At > choice.Least)
            {
                // A run gives back one code point after the other.
                at = choice.At = Utf8.StartBefore(text, choice.At);
                if (at == choice.Least) _depth--;
            }
            else
            {
                at = choice.At;
                _depth--;
            }
            return true;
        }
        (pc, at) = (0, 0);
        return false;
    }

    private bool LookBehind(ReadOnlySpan<byte> text, Instruction i, int body, int at)
    {
        var start = at;
        for (var back = 0; back <= i.Max; back++)
        {
            if (back >= i.Min && Run(text, body, start, at) >= 0) return true;
            if (start == 0) break;
            start = Utf8.StartBefore(text, start);
        }
        return false;
    }

    private void Push(Choice choice)
    {
        if (_depth == _stack.Length)
        {
            if (_depth >= MaxStack) throw new TokenizerFormatException($"{source}: the regular expression {pattern} needs too many steps on this text.");
            Array.Resize(ref _stack, _depth * 2);
        }
        _stack[_depth++] = choice;
    }

    /// <summary>Where to go on when what was tried fails: a place, or for a run all places from <c>At</c> back to <c>Least</c>.</summary>
    private struct Choice(int pc, int at, int least)
    {
        /// <summary>Pc values from here down restore a progress mark.</summary>
        public const int RestoreMark = -2;

        public readonly int Pc = pc;
        public int At = at;
        public readonly int Least = least;
    }
}
