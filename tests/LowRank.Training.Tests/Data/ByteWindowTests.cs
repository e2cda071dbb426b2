using System.Text;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Data.Reading;

namespace LowRank.Training.Tests.Data;

/// <summary>The stretch of a file that readers move forward.</summary>
public sealed class ByteWindowTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Memory_holds_what_was_not_taken_and_no_more()
    {
        // Several times what the window begins with.
        var text = string.Concat(Enumerable.Range(0, 60_000).Select(i => $"{i},"));
        using var window = new ByteWindow(folder.Write("a.txt", "\uFEFF" + text));
        Assert.Equal(3, window.Offset);
        var read = new StringBuilder();
        do
        {
            var some = window.Unread.Length * 2 / 3;
            read.Append(Encoding.ASCII.GetString(window.Unread.Span[..some]));
            window.Advance(some);
            Assert.InRange(window.Unread.Length, 0, 1 << 16);
        }
        while (window.Fill());
        Assert.True(window.IsLast);
        Assert.Equal(text, read + Encoding.ASCII.GetString(window.Unread.Span));
    }

    [Fact]
    public void A_row_without_an_end_is_an_error_with_its_place_and_the_file_is_closed()
    {
        var path = folder.Write("a.jsonl", "{}\n" + new string('a', 5 << 20));
        using (var window = new ByteWindow(path, most: 1 << 20))
        {
            window.Advance(3);
            var error = Assert.Throws<DatasetException>(() =>
            {
                while (window.Fill()) { }
            });
            Assert.Contains("a.jsonl: at byte 3 begins a row that is longer than 1 MiB", error.Message, StringComparison.Ordinal);
        }
        Assert.Throws<DatasetException>(() => new ByteWindow(folder.Write("b.jsonl", "PK\u0003\u0004 and more")));
        // Nobody holds them any more.
        foreach (var name in new[] { "a.jsonl", "b.jsonl" })
            using (new FileStream(folder.At(name), FileMode.Open, FileAccess.ReadWrite, FileShare.None)) { }
    }
}
