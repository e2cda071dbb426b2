namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>What one instruction does.</summary>
internal enum Operation : byte
{
    Set,
    SetRun,
    Split,
    Jump,
    Look,
    Atomic,
    Anchor,
    MarkProgress,
    CheckProgress,
    Accept,
}

/// <summary>One instruction; which fields it uses depends on the operation.</summary>
internal sealed class Instruction
{
    public Operation Operation { get; init; }

    /// <summary>The set of Set and SetRun.</summary>
    public CodePointSet? Set { get; init; }

    /// <summary>Split: tried first. Jump: where to. Look and Atomic: after their body. CheckProgress: the mark.</summary>
    public int Target { get; set; }

    /// <summary>Split: tried next.</summary>
    public int Other { get; set; }

    /// <summary>Split: bytes with which what is tried first can begin, or null when it can be empty.</summary>
    public bool[]? FirstBytes { get; set; }

    /// <summary>SetRun and look-behind: fewest code points.</summary>
    public int Min { get; init; }

    /// <summary>SetRun and look-behind: most code points.</summary>
    public int Max { get; init; }

    public RepeatKind Kind { get; init; }

    public bool Behind { get; init; }

    public bool Negative { get; init; }

    public AnchorKind Anchor { get; init; }
}

/// <summary>Turns the parsed expression into instructions for <see cref="RegexMatcher"/>.</summary>
internal sealed class RegexProgram
{
    private const int MaxInstructions = 50_000;
    private readonly List<Instruction> _code = [];
    private readonly RegexCursor _errors;

    private RegexProgram(RegexCursor errors) => _errors = errors;

    /// <summary>The instructions; the last accepts.</summary>
    public Instruction[] Code { get; private set; } = [];

    /// <summary>Number of progress marks.</summary>
    public int Marks { get; private set; }

    /// <summary>Bytes with which a match can begin, or null when it can be empty.</summary>
    public bool[]? FirstBytes { get; private set; }

    /// <summary>Compiles an expression.</summary>
    public static RegexProgram Compile(string pattern, string source)
    {
        var node = RegexParser.Parse(pattern, source);
        var program = new RegexProgram(new RegexCursor(pattern, source));
        program.Emit(node);
        program.Add(new Instruction { Operation = Operation.Accept });
        program.Code = [.. program._code];
        program.FirstBytes = RegexFirstBytes.Of(node);
        return program;
    }

    private Instruction Add(Instruction instruction)
    {
        if (_code.Count == MaxInstructions) throw _errors.Unsupported("so many repetitions");
        _code.Add(instruction);
        return instruction;
    }

    private void Emit(RegexNode node)
    {
        switch (node)
        {
            case RegexNode.Set s:
                Add(new Instruction { Operation = Operation.Set, Set = s.Members });
                break;
            case RegexNode.Concat c:
                foreach (var item in c.Items) Emit(item);
                break;
            case RegexNode.Alternate a:
                EmitAlternate(a);
                break;
            case RegexNode.Repeat { Item: RegexNode.Set set, Kind: not RepeatKind.Lazy } r:
                Add(new Instruction { Operation = Operation.SetRun, Set = set.Members, Min = r.Min, Max = r.Max, Kind = r.Kind });
                break;
            case RegexNode.Repeat { Kind: RepeatKind.Possessive } r:
                Emit(new RegexNode.Atomic(r with { Kind = RepeatKind.Greedy }));
                break;
            case RegexNode.Repeat r:
                EmitRepeat(r);
                break;
            case RegexNode.Look look:
                var (min, max) = look.Item.Lengths();
                if (look.Behind && max == int.MaxValue) throw _errors.Unsupported("a look-behind without a longest length");
                EmitBody(new Instruction { Operation = Operation.Look, Behind = look.Behind, Negative = look.Negative, Min = min, Max = max }, look.Item);
                break;
            case RegexNode.Atomic atomic:
                EmitBody(new Instruction { Operation = Operation.Atomic }, atomic.Item);
                break;
            case RegexNode.Anchor anchor:
                Add(new Instruction { Operation = Operation.Anchor, Anchor = anchor.Kind });
                break;
        }
    }

    private void EmitBody(Instruction instruction, RegexNode body)
    {
        Add(instruction);
        Emit(body);
        Add(new Instruction { Operation = Operation.Accept });
        instruction.Target = _code.Count;
    }

    private void EmitAlternate(RegexNode.Alternate a)
    {
        var jumps = new List<Instruction>();
        for (var i = 0; i < a.Items.Count; i++)
        {
            var last = i == a.Items.Count - 1;
            var split = last ? null : Add(new Instruction { Operation = Operation.Split, Target = _code.Count + 1, FirstBytes = RegexFirstBytes.Of(a.Items[i]) });
            Emit(a.Items[i]);
            if (last) break;
            jumps.Add(Add(new Instruction { Operation = Operation.Jump }));
            split!.Other = _code.Count;
        }
        foreach (var jump in jumps) jump.Target = _code.Count;
    }

    private void EmitRepeat(RegexNode.Repeat r)
    {
        for (var i = 0; i < r.Min; i++) Emit(r.Item);
        if (r.Max == int.MaxValue)
        {
            var again = _code.Count;
            var split = Choice(r.Kind);
            var mark = r.Item.Lengths().Min == 0 ? Marks++ : -1;
            if (mark >= 0) Add(new Instruction { Operation = Operation.MarkProgress, Target = mark });
            Emit(r.Item);
            if (mark >= 0) Add(new Instruction { Operation = Operation.CheckProgress, Target = mark });
            Add(new Instruction { Operation = Operation.Jump, Target = again });
            SetExit(split, r.Kind, _code.Count);
            return;
        }
        var splits = new List<Instruction>();
        for (var i = r.Min; i < r.Max; i++)
        {
            splits.Add(Choice(r.Kind));
            Emit(r.Item);
        }
        foreach (var split in splits) SetExit(split, r.Kind, _code.Count);
    }

    private Instruction Choice(RepeatKind kind)
    {
        var body = _code.Count + 1;
        return Add(kind == RepeatKind.Lazy ? new Instruction { Operation = Operation.Split, Other = body } : new Instruction { Operation = Operation.Split, Target = body });
    }

    private static void SetExit(Instruction split, RepeatKind kind, int exit)
    {
        if (kind == RepeatKind.Lazy) split.Target = exit;
        else split.Other = exit;
    }
}
