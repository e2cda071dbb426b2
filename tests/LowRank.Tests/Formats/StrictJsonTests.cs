using System.Text;
using System.Text.Json;
using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class StrictJsonTests
{
    [Theory]
    [InlineData("{\"a\":1,\"a\":2}", "Duplicate property 'a'", null)]
    [InlineData("{\n\"x\": [\"\\ud83d\"]}", "half a surrogate pair", 1)]
    [InlineData("{\n\n  \"\\udc00\": 1}", "half a surrogate pair", 2)]
    public void What_readers_would_stumble_over_later_is_refused_with_its_place(string json, string message, int? line)
    {
        foreach (var read in (Action<byte[]>[])[b => StrictJson.Node(b), b => StrictJson.Element(b)])
        {
            var error = Assert.ThrowsAny<JsonException>(() => read(Encoding.UTF8.GetBytes(json)));
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
            Assert.Equal(line, error.LineNumber);
        }
    }

    [Fact]
    public void Bytes_that_are_no_text_are_refused_in_a_text_and_pairs_are_taken()
    {
        Assert.Equal(7, Assert.Throws<JsonException>(() => StrictJson.Node((byte[])[.. "{\"a\": [\""u8, 0xFF, .. "\"]}"u8])).BytePositionInLine);
        Assert.Equal("😀é", StrictJson.Element("\"\\ud83d\\ude00é\""u8).GetString());
    }
}
