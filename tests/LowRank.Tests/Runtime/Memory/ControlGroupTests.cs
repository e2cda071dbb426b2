using LowRank.Runtime.Memory;

namespace LowRank.Tests.Runtime.Memory;

public sealed class ControlGroupTests : IDisposable
{
    private const long Total = 64L << 30;
    private readonly string root = Directory.CreateTempSubdirectory("lowrank-cgroup-").FullName;

    [Fact]
    public void Version_2_takes_the_least_limit_on_the_way_up()
    {
        Write("membership", "0::/a/b\n");
        Write("fs/a/memory.max", "4000000000\n");
        Write("fs/a/memory.current", "3500000000\n");
        Write("fs/a/memory.stat", "anon 1\ninactive_file 1000000000\n");
        Write("fs/a/b/memory.max", "max\n");
        Assert.Equal(new ControlGroup(4_000_000_000, 1_500_000_000), Read());
        Write("fs/a/b/memory.max", "2000000000\n");
        Write("fs/a/b/memory.current", "500000000\n");
        Assert.Equal(new ControlGroup(2_000_000_000, 1_500_000_000), Read());
    }

    [Fact]
    public void Version_1_reads_the_memory_controller_even_where_only_its_root_is_mounted()
    {
        Write("membership", "9:cpu:/docker/x\n7:memory:/docker/x\n0::/docker/x\n");
        Write("fs/memory/memory.limit_in_bytes", "1073741824\n");
        Write("fs/memory/memory.usage_in_bytes", "1000000000\n");
        Write("fs/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 500000000\n");
        Assert.Equal(new ControlGroup(1 << 30, 573_741_824), Read());
    }

    [Theory]
    [InlineData("max")]
    [InlineData("9223372036854771712")]
    public void No_limit_is_none(string limit)
    {
        Write("membership", "0::/\n");
        Write("fs/memory.max", limit);
        Assert.Null(Read());
    }

    [Fact]
    public void Usage_above_the_limit_leaves_nothing()
    {
        Write("membership", "0::/\n");
        Write("fs/memory.max", "1000");
        Write("fs/memory.current", "5000");
        Assert.Equal(new ControlGroup(1000, 0), Read());
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    private ControlGroup? Read() => ControlGroup.Read(Path.Combine(root, "membership"), Path.Combine(root, "fs"), Total);

    private void Write(string path, string text)
    {
        var full = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
