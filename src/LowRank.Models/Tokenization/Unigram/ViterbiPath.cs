namespace LowRank.Models.Tokenization.Unigram;

/// <summary>The best way to each byte of one word: its score, where its last token begins, and that token. Lent to one encode call at a time.</summary>
internal sealed class ViterbiPath
{
    private const int Unreached = -1;
    private double[] _scores = new double[256];
    private int[] _starts = new int[256];
    private int[] _ids = new int[256];

    /// <summary>The tokens of the best way, [Start, End) in bytes; filled from the last to the first.</summary>
    public List<(int Start, int End, int Id)> Tokens { get; } = [];

    /// <summary>Starts a word of so many bytes.</summary>
    public void Reset(int length)
    {
        if (_scores.Length <= length)
        {
            _scores = new double[length * 2];
            _starts = new int[length * 2];
            _ids = new int[length * 2];
        }
        _starts.AsSpan(0, length + 1).Fill(Unreached);
        _scores[0] = 0;
        Tokens.Clear();
    }

    /// <summary>The score of the best way to a place.</summary>
    public double ScoreAt(int place) => _scores[place];

    /// <summary>Whether a way to <paramref name="end"/> with this score would be the best so far; of equal ones the first stays.</summary>
    public bool IsBetter(int end, double score) => _starts[end] == Unreached || score > _scores[end];

    /// <summary>Takes a token as the last of the best way to its end.</summary>
    public void Take(int start, int end, int id, double score) => (_starts[end], _ids[end], _scores[end]) = (start, id, score);

    /// <summary>The last token of the best way to a place.</summary>
    public (int Start, int Id) LastBefore(int end) => (_starts[end], _ids[end]);
}
