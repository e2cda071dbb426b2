using LowRank.Testing;
using LowRank.Training.Trackers;

namespace LowRank.Training.Tests.Trackers;

public sealed class GitCommitTests : IDisposable
{
    private const string Hash = "0123456789abcdef0123456789abcdef01234567";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder.At(name))!);
        folder.Write(name, text);
    }

    [Theory]
    [InlineData("https://me:token@example.org/a/b.git", "https://example.org/a/b.git")]
    [InlineData("https://example.org/a/@b.git", "https://example.org/a/@b.git")]
    [InlineData("git@example.org:a/b.git", "git@example.org:a/b.git")]
    public void The_commit_of_a_branch_and_the_origin_without_a_secret(string url, string told)
    {
        Write("a/.git/HEAD", "ref: refs/heads/main\n");
        Write("a/.git/refs/heads/main", Hash + "\n");
        Write("a/.git/config", $"[core]\n\tbare = false\n[remote \"origin\"]\n\tfetch = x\n\turl = {url}\n[branch \"main\"]\n");
        Directory.CreateDirectory(folder.At("a/deep/er"));
        Assert.Equal(new GitCommit(Hash, told), GitCommit.Find(folder.At("a/deep/er")));
    }

    [Fact]
    public void Packed_detached_and_worktree()
    {
        Write("p/.git/HEAD", "ref: refs/heads/topic\n");
        Write("p/.git/packed-refs", $"# pack-refs with: peeled\n{new string('f', 40)} refs/heads/main\n{Hash} refs/heads/topic\n");
        Assert.Equal(new GitCommit(Hash, null), GitCommit.Find(folder.At("p")));
        Write("d/.git/HEAD", Hash);
        Assert.Equal(Hash, GitCommit.Find(folder.At("d"))!.Hash);
        Write("p/.git/worktrees/w/HEAD", "ref: refs/heads/topic\n");
        Write("p/.git/worktrees/w/commondir", "../..\n");
        Write("w/.git", $"gitdir: {folder.At("p/.git/worktrees/w")}\n");
        Assert.Equal(Hash, GitCommit.Find(folder.At("w"))!.Hash);
        Write("empty/.git/HEAD", "ref: refs/heads/none\n");
        Assert.Null(GitCommit.Find(folder.At("empty")));
    }
}
