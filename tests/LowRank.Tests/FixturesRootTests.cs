using LowRank.Testing;

namespace LowRank.Tests;

public sealed class FixturesRootTests
{
    // Every kind may be absent on its own; a root without any would make all golden tests pass by skipping.
    [Fact, Trait("Category", "Golden")]
    public void The_fixtures_root_holds_reference_data() =>
        Assert.True(
            Directory.Exists(Golden.Root) && new[] { "chat", "gguf", "models", "numerics", "smollm2", "tokenizers", "datasets" }.Any(k => Directory.Exists(Golden.At(k))),
            $"{Golden.Root} has none of the kinds of reference data. Set LOWRANK_FIXTURES to a folder that has.");
}
