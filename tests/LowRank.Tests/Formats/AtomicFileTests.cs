using LowRank.Formats;

namespace LowRank.Tests.Formats;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_process_that_ends_at_any_step_leaves_the_old_file_or_the_new_one()
    {
        var path = Path.Combine(folder, "x.bin");
        byte[] old = [1, 2, 3], @new = [4, 5, 6, 7];
        var seen = new HashSet<int>();
        File.WriteAllBytes(path, old);
        var ends = EndingSteps.EndAfterEach(
            () =>
            {
                using var file = AtomicFile.Create(path, 4);
                file.Write(@new.AsSpan(0, 2));
                file.Write(@new.AsSpan(2));
                file.Commit();
            },
            ended =>
            {
                var content = File.ReadAllBytes(path);
                Assert.True(content.SequenceEqual(old) || content.SequenceEqual(@new), $"{content.Length} bytes");
                if (!ended) Assert.Equal(@new, content);
                seen.Add(content.Length);
                File.WriteAllBytes(path, old);
            });
        Assert.Equal(6, ends); // create, two writes, flush, rename, flush of the folder
        Assert.Equal([3, 4], seen.Order());
        Assert.Equal(["x.bin"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName));
    }

    [Fact]
    public void A_folder_appears_whole_or_not_at_all()
    {
        var path = Path.Combine(folder, "checkpoint-10");
        var ends = EndingSteps.EndAfterEach(
            () =>
            {
                using var target = AtomicFolder.Create(path);
                target.Write("a.json", "{}"u8);
                target.Write("state/b.bin", new byte[10]);
                target.Commit();
            },
            ended =>
            {
                if (!ended) Assert.True(Directory.Exists(path));
                if (!Directory.Exists(path)) return;
                Assert.Equal(2, new FileInfo(Path.Combine(path, "a.json")).Length);
                Assert.Equal(10, new FileInfo(Path.Combine(path, "state", "b.bin")).Length);
                Directory.Delete(path, recursive: true);
            });
        Assert.True(ends > 15, $"{ends} steps");
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Without_commit_nothing_stays()
    {
        using (var file = AtomicFile.Create(Path.Combine(folder, "x"))) file.Write([1]);
        using (var target = AtomicFolder.Create(Path.Combine(folder, "y"))) target.Write("a", [1]);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Missing_folders_are_created_and_taken_names_refused()
    {
        AtomicFile.WriteAllText(Path.Combine(folder, "a", "b", "x.txt"), "grün");
        Assert.Equal("grün", File.ReadAllText(Path.Combine(folder, "a", "b", "x.txt")));
        Assert.Contains("is a folder", Assert.Throws<LowRankException>(() => AtomicFile.WriteAllText(Path.Combine(folder, "a"), "")).Message, StringComparison.Ordinal);
        Assert.Contains("exists already", Assert.Throws<LowRankException>(() => AtomicFolder.Create(Path.Combine(folder, "a"))).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(folder, "empty"));
        using var target = AtomicFolder.Create(Path.Combine(folder, "empty"));
        target.Commit();
    }

    [Fact]
    public void Too_little_space_says_how_much_is_needed()
    {
        Assert.Contains("MiB are needed", Assert.Throws<LowRankException>(() => AtomicFile.Create(Path.Combine(folder, "x"), 1L << 60)).Message, StringComparison.Ordinal);
        Assert.Contains("MiB are needed", Assert.Throws<LowRankException>(() => AtomicFolder.Create(Path.Combine(folder, "y"), 1L << 60)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void A_full_disk_is_said_and_leaves_nothing()
    {
        FileSystemSteps.Current = new FullDisk();
        try
        {
            Assert.Contains("the disk is full", Assert.Throws<LowRankException>(() => AtomicFile.WriteAllText(Path.Combine(folder, "x"), "text")).Message, StringComparison.Ordinal);
        }
        finally
        {
            FileSystemSteps.Current = null;
        }
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    private sealed class FullDisk : FileSystemSteps
    {
        public override void Write(FileStream stream, ReadOnlySpan<byte> bytes) => throw new IOException("No space left on device", 28);
    }
}
