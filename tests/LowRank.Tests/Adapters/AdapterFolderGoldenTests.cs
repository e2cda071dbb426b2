using System.Text.Json.Nodes;
using LowRank.Adapters;
using LowRank.Formats;
using LowRank.Testing;

namespace LowRank.Tests.Adapters;

/// <summary>Adapter folders of PEFT 0.21.2: their tensors are those that the model needs, and written again they have the same bytes.</summary>
public sealed class AdapterFolderGoldenTests
{
    private const string Models = "models/lora";
    private const string Saved = "numerics/adapters/saved";

    public static IEnumerable<TheoryDataRow<string>> ModelCases => Golden.Cases("models/lora/keys", AdapterGoldens.Folders(Models), name => NotBuilt(Models, name) ?? BaseMissing(Models, name));

    public static IEnumerable<TheoryDataRow<string>> SavedCases => Golden.Cases("numerics/adapters/saved/keys", AdapterGoldens.Folders(Saved), name => NotBuilt(Saved, name) ?? BaseMissing(Saved, name));

    public static IEnumerable<TheoryDataRow<string>> ModelFiles => Golden.Cases("models/lora/files", AdapterGoldens.Folders(Models), name => NotBuilt(Models, name));

    public static IEnumerable<TheoryDataRow<string>> SavedFiles => Golden.Cases("numerics/adapters/saved/files", AdapterGoldens.Folders(Saved), name => NotBuilt(Saved, name));

    [Theory, MemberData(nameof(ModelCases)), Trait("Category", "Golden")]
    public void Model_adapters_hold_the_tensors_that_the_model_needs(string name) => CheckKeys(Models, name);

    [Theory, MemberData(nameof(SavedCases)), Trait("Category", "Golden")]
    public void Saved_adapters_hold_the_tensors_that_the_model_needs(string name) => CheckKeys(Saved, name);

    [Theory, MemberData(nameof(ModelFiles)), Trait("Category", "Golden")]
    public void Model_adapters_are_written_again_with_the_same_bytes(string name) => CheckFiles(Models, name);

    [Theory, MemberData(nameof(SavedFiles)), Trait("Category", "Golden")]
    public void Saved_adapters_are_written_again_with_the_same_bytes(string name) => CheckFiles(Saved, name);

    private static void CheckKeys(string below, string name)
    {
        using var adapter = AdapterFolder.Open(Folder(below, name));
        var (modules, modelType) = ReferenceModules.Of(Base(below, name));
        var selection = TargetMatcher.Select(adapter.Config, modules, modelType);
        var expected = AdapterKeys.TensorsOf(selection, modules);
        adapter.RequireExactly(expected);
        // What may be left out is in the file all the same where PEFT says so: the sets are equal.
        Assert.Equal(adapter.Weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), expected.Select(t => t.Key).Order(StringComparer.Ordinal));
        // The name of a parameter of experts is not in the file: there is that of the module that holds it, wrapped once for each of its parameters.
        var files = selection.Targets.Where(t => t.IsParameter).ToDictionary(t => t.Module.Name, t => t.FileName, StringComparer.Ordinal);
        Assert.All(expected, t => Assert.Equal((KindInFile(t), files.GetValueOrDefault(t.Module, t.Module)), AdapterKeys.Parse(t.Name)));
        // The saved configuration already has names in place of all-linear; selecting changes nothing in it.
        Assert.Equal(adapter.Config.ToJson(), selection.Config.ToJson());
    }

    private static AdapterTensorKind KindInFile(AdapterTensorSpec tensor) =>
        tensor.Name.EndsWith(".base_layer.bias", StringComparison.Ordinal) ? AdapterTensorKind.BaseBias : tensor.Kind is AdapterTensorKind.BaseBias ? AdapterTensorKind.Saved : tensor.Kind;

    private static void CheckFiles(string below, string name)
    {
        var from = Folder(below, name);
        using var folder = new TemporaryFolder();
        var to = Path.Combine(folder.Path, "adapter");
        using (var adapter = AdapterFolder.Open(from))
        {
            using var writer = AdapterFolder.Create(to, adapter.Config, [.. adapter.Weights.Tensors.Reverse().Select(t => (AdapterKeys.ToName(t.Name)!, t.Type, t.Shape))]);
            foreach (var tensor in adapter.Weights.Tensors) writer.Write(AdapterKeys.ToName(tensor.Name)!, adapter.Weights.Bytes(tensor));
            Assert.False(Directory.Exists(to));
            writer.Commit();
        }
        Assert.Equal([AdapterConfig.FileName, AdapterFolder.WeightsFile], Directory.GetFileSystemEntries(to).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal));
        foreach (var file in new[] { AdapterConfig.FileName, AdapterFolder.WeightsFile })
            Assert.Equal(File.ReadAllBytes(Path.Combine(from, file)), File.ReadAllBytes(Path.Combine(to, file)));
    }

    private static string Folder(string below, string name) => Golden.At([.. below.Split('/'), .. name.Split('/')]);

    private static string Base(string below, string name)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder(below, name), AdapterConfig.FileName)))!;
        return Golden.At(below.Split('/')[0], config["base_model_name_or_path"]!.GetValue<string>());
    }

    private static string? BaseMissing(string below, string name)
    {
        var config = Path.Combine(Base(below, name), "config.json");
        return File.Exists(config) ? null : $"its base {Path.GetFileName(Base(below, name))} is not in {Golden.Root}";
    }

    /// <summary>Why an adapter cannot be loaded yet, in the words of the error that loading it gives.</summary>
    private static string? NotBuilt(string below, string name)
    {
        try { AdapterConfig.Load(Folder(below, name)); return null; }
        catch (LoraConfigException e) { return string.Join("; ", e.Problems.Select(p => p.Split(": ")[^1])); }
    }
}
