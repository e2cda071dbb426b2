using LowRank.Training.Planning;

namespace LowRank.Training.Tests.Planning;

public class MemorySizeTests
{
    [Theory]
    [InlineData("8GB", 8_000_000_000)]
    [InlineData("8 gb", 8_000_000_000)]
    [InlineData("8G", 8_000_000_000)]
    [InlineData("8GiB", 8_589_934_592)]
    [InlineData("1.5 GiB", 1_610_612_736)]
    [InlineData("500MB", 500_000_000)]
    [InlineData("512MiB", 536_870_912)]
    [InlineData("0.5TB", 500_000_000_000)]
    [InlineData("12345", 12345)]
    public void An_amount_is_read(string text, long bytes) => Assert.Equal(bytes, MemorySize.TryParse(text));

    [Theory]
    [InlineData("")]
    [InlineData("GB")]
    [InlineData("0GB")]
    [InlineData("-8GB")]
    [InlineData("8 parsecs")]
    [InlineData("8,5GB")]
    [InlineData("NaN")]
    [InlineData("1e300GB")]
    public void What_is_no_amount_is_refused(string text)
    {
        Assert.Null(MemorySize.TryParse(text));
        Assert.Contains("--memory", Assert.Throws<LowRankException>(() => MemorySize.Parse(text, "--memory")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Amounts_are_printed_in_tens_and_in_twos()
    {
        Assert.Equal("13.48 GB", MemorySize.Gigabytes(13_476_831_232));
        Assert.Equal("33.6 MB", MemorySize.Gigabytes(33_554_432));
        Assert.Equal("32.0 MiB", MemorySize.Gibibytes(33_554_432));
        Assert.Equal("1.50 GiB", MemorySize.Gibibytes(1_610_612_736));
    }
}
