using LowRank.Adapters;
using LowRank.Models.Checkpoints;
using LowRank.Models.Merging;
using LowRank.Quantization;
using LowRank.Testing;

namespace LowRank.Training.Tests.Merging;

/// <summary>Merging into what 4-bit codes stand for: of a checkpoint in 4 bits, or of plain weights that training had quantized. Both give what merging into the dequantized checkpoint gives.</summary>
public sealed class FourBitMergeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // gpt2 stores its weights the other way round, but its codes as others do.
    [Theory, InlineData("llama"), InlineData("gpt2")]
    public void Both_ways_give_the_dequantized_weights_and_the_update(string family)
    {
        var basis = family == "llama" ? TinyModel.Create(folder.At("base")) : TinyFamily.Create(family, folder.At("base"));
        var options = new FourBitOptions();
        FourBitConverter.Quantize(basis, folder.At("packed"), options);
        FourBitConverter.Dequantize(folder.At("packed"), folder.At("plain"));
        var config = new LoraConfig { Rank = 4, Alpha = 8, TargetModules = ModulePattern.AllLinear };
        KnownAdapter.Write(basis, folder.At("adapter"), config, record: new AdapterRecord(null, null, options));
        KnownAdapter.Write(basis, folder.At("untold"), config);

        var expected = AdapterMerger.Merge(folder.At("plain"), folder.At("untold"), folder.At("expected"));
        var ofPacked = AdapterMerger.Merge(folder.At("packed"), folder.At("adapter"), folder.At("of-packed"));
        var ofPlain = AdapterMerger.Merge(basis, folder.At("adapter"), folder.At("of-plain"));
        Assert.Equal((MergeBase.Original, MergeBase.Dequantized, MergeBase.Dequantized), (expected.Base, ofPacked.Base, ofPlain.Base));
        Assert.Equal((expected.Bytes, expected.Bytes), (ofPacked.Bytes, ofPlain.Bytes));
        var want = new GoldenTensors(folder.At("expected/model.safetensors"));
        foreach (var got in new[] { "of-packed", "of-plain" }.Select(f => new GoldenTensors(folder.At($"{f}/model.safetensors"))))
        {
            Assert.Equal(want.Names.Order(StringComparer.Ordinal), got.Names.Order(StringComparer.Ordinal));
            foreach (var name in want.Names)
            {
                Assert.Equal(want.Shape(name), got.Shape(name));
                // The dequantized checkpoint was rounded to the base's type, fp32, before: it is exact.
                Near.All(want.Floats(name), got.Floats(name), 1e-7, name);
            }
        }
        var check = MergeCheck.Run(basis, folder.At("adapter"), folder.At("of-plain"), ofPlain, "A short text of some words.");
        Assert.True(check.LargestDifference < 2e-3 && check.Top1Agreement == 1, check.ToString());
    }
}
