using LowRank.Training.Data;

namespace LowRank.Training.Tests.Data;

public sealed class SpanMaskTests
{
    private static string Mark((int, int)[] offsets, params (int, int)[] spans) =>
        string.Concat(SpanMask.Mark(offsets, spans).Select(m => m ? '1' : '0'));

    [Fact]
    public void Tokens_at_the_borders_and_between_belong_to_the_span()
    {
        (int, int)[] offsets = [(0, 3), (3, 5), (5, 9), (9, 10)];
        Assert.Equal("0110", Mark(offsets, (3, 9)));
        Assert.Equal("0110", Mark(offsets, (4, 6)));
        Assert.Equal("1111", Mark(offsets, (2, 10)));
        Assert.Equal("0000", Mark(offsets, (3, 3)));
        Assert.Equal("0010", Mark(offsets, (7, 7)));
        Assert.Equal("0001", Mark(offsets, (9, 30)));
        Assert.Equal("0000", Mark(offsets, (10, 30)));
        Assert.Equal("", Mark([], (0, 5)));
    }

    [Fact]
    public void All_tokens_of_a_split_character_count() => Assert.Equal("01110", Mark([(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)], (1, 2)));

    [Fact]
    public void Added_tokens_outside_do_not_count() => Assert.Equal("01100", Mark([(0, 0), (0, 4), (4, 8), (0, 0), (0, 0)], (0, 8)));

    [Fact]
    public void Spans_may_share_a_token() => Assert.Equal("1101", Mark([(0, 2), (2, 4), (4, 6), (6, 8)], (1, 3), (3, 4), (7, 8)));
}
