using System.Runtime.CompilerServices;
using LowRank.Models.Tokenization.Text;

namespace LowRank.Models.Tokenization.Patterns.Regex;

/// <summary>A set of code points: ranges, general categories, white space, and other sets, possibly negated. ASCII is a bitmap.</summary>
internal sealed class CodePointSet
{
    private readonly List<(int First, int Last)> _ranges = [];
    private readonly List<CodePointSet> _nested = [];
    private readonly List<CodePointSet> _intersected = [];
    private uint _categories;
    private bool _whiteSpace;
    private ulong _low, _high;

    /// <summary>Whether the set holds what is not listed.</summary>
    public bool Negated { get; set; }

    /// <summary>Adds a range of code points.</summary>
    public CodePointSet Add(int first, int last)
    {
        _ranges.Add((first, last));
        return this;
    }

    /// <summary>Adds general categories, one bit each by the number of <see cref="System.Globalization.UnicodeCategory"/>.</summary>
    public CodePointSet AddCategories(uint mask)
    {
        _categories |= mask;
        return this;
    }

    /// <summary>Adds the property White_Space.</summary>
    public CodePointSet AddWhiteSpace()
    {
        _whiteSpace = true;
        return this;
    }

    /// <summary>Adds another set.</summary>
    public CodePointSet Add(CodePointSet other)
    {
        _nested.Add(other);
        return this;
    }

    /// <summary>Keeps only what is in the other set too (the <c>&amp;&amp;</c> of a character class).</summary>
    public CodePointSet IntersectWith(CodePointSet other)
    {
        _intersected.Add(other);
        return this;
    }

    /// <summary>Prepares the bitmap; call once when the set is complete.</summary>
    public CodePointSet Freeze()
    {
        for (var c = 0; c < 64; c++)
        {
            if (Test(c)) _low |= 1UL << c;
            if (Test(c + 64)) _high |= 1UL << c;
        }
        return this;
    }

    /// <summary>Whether the code point is in the set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Contains(int c) => c < 128 ? ((c < 64 ? _low : _high) >> (c & 63) & 1) != 0 : Test(c);

    private bool Test(int c)
    {
        var found = (_categories >> (int)CodePoint.Category(c) & 1) != 0 || _whiteSpace && CodePoint.IsWhiteSpace(c);
        for (var i = 0; !found && i < _ranges.Count; i++) found = c >= _ranges[i].First && c <= _ranges[i].Last;
        for (var i = 0; !found && i < _nested.Count; i++) found = _nested[i].Test(c);
        for (var i = 0; found && i < _intersected.Count; i++) found = _intersected[i].Test(c);
        return found != Negated;
    }
}
