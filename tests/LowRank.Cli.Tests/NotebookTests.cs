using System.Diagnostics;
using System.Text.Json;
using LowRank.Testing;
using LowRank.Training.Tests;

namespace LowRank.Cli.Tests;

/// <summary>
/// The notebook in docs/course: a sound notebook of shell cells, whose commands exist, and whose cells run one after the other. Cells with the tags <c>network</c> and <c>gpu</c> install
/// things or need a graphics card, and are not run.
/// </summary>
public sealed class NotebookTests : IDisposable
{
    private const string Shell = "%%bash\n", Model = "HuggingFaceTB/SmolLM2-135M-Instruct";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void It_is_a_sound_notebook_of_shell_cells()
    {
        using var notebook = JsonDocument.Parse(File.ReadAllBytes(Notebook()));
        var root = notebook.RootElement;
        Assert.Equal((4, 5), (root.GetProperty("nbformat").GetInt32(), root.GetProperty("nbformat_minor").GetInt32()));
        Assert.Equal("python3", root.GetProperty("metadata").GetProperty("kernelspec").GetProperty("name").GetString());
        var cells = root.GetProperty("cells").EnumerateArray().ToList();
        Assert.Equal(cells.Count, cells.Select(c => c.GetProperty("id").GetString()).Distinct().Count());
        foreach (var cell in cells)
        {
            Assert.Equal(JsonValueKind.Object, cell.GetProperty("metadata").ValueKind);
            // Each line but the last ends in a line feed, as nbformat has it.
            var lines = cell.GetProperty("source").EnumerateArray().Select(l => l.GetString()!).ToList();
            Assert.All(lines[..^1], l => Assert.EndsWith("\n", l, StringComparison.Ordinal));
            if (cell.GetProperty("cell_type").GetString() == "markdown") continue;
            Assert.Equal("code", cell.GetProperty("cell_type").GetString());
            // No output of somebody's machine is kept.
            Assert.Equal((0, JsonValueKind.Null), (cell.GetProperty("outputs").GetArrayLength(), cell.GetProperty("execution_count").ValueKind));
            Assert.Equal(Shell, lines[0]);
        }
        Assert.Contains(cells, c => c.GetProperty("source").EnumerateArray().Any(l => l.GetString()!.Contains("CUDA: compiled, not yet verified on a GPU", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_command_is_one_with_options_that_exist()
    {
        var tree = new CommandTree();
        var commands = Cells().SelectMany(c => c.Script.Split('\n')).Where(l => l.StartsWith("lowrank ", StringComparison.Ordinal)).ToList();
        foreach (var verb in (string[])["doctor", "inspect", "plan", "train", "eval", "generate", "merge", "export"]) Assert.Contains(commands, c => c.StartsWith($"lowrank {verb}", StringComparison.Ordinal));
        Assert.All(commands, c => Assert.Empty(tree.Root.Parse(c["lowrank ".Length..]).Errors));
    }

    [Fact]
    [Trait("Category", "Course")]
    public async Task Its_cells_run_one_after_the_other()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the cells are for bash");
        var model = TinyModel.Create(folder.At("model"));
        var work = Directory.CreateDirectory(folder.At("work")).FullName;
        Directory.CreateDirectory(folder.At("bin"));
        var tool = folder.Write("bin/lowrank", $"#!/usr/bin/env bash\nexec \"{Tool.Host()}\" \"{Tool.Library}\" \"$@\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var run = Cells().Where(c => c.Tags.Count == 0).ToList();
        Assert.InRange(run.Count, 8, int.MaxValue);
        foreach (var (script, _) in run)
        {
            var (code, printed) = await Bash(script.Replace(Model, model, StringComparison.Ordinal), work);
            Assert.True(code == 0, $"{script}\nended with {code}:\n{printed}");
        }
        foreach (var file in (string[])["tickets.jsonl", "adapter/adapter_model.safetensors", "adapter/adapter_config.json", "merged/model.safetensors", "tickets.gguf", "Modelfile"])
            Assert.True(File.Exists(Path.Combine(work, file)), file);
        Assert.Equal((48, 12), (File.ReadLines(Path.Combine(work, "train.jsonl")).Count(), File.ReadLines(Path.Combine(work, "test.jsonl")).Count()));
    }

    // As the notebook runs a cell: a shell of its own, which a wrong command ends here.
    private async Task<(int Code, string Printed)> Bash(string script, string work)
    {
        var start = new ProcessStartInfo("bash", ["-e"]) { WorkingDirectory = work, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{folder.At("bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(script);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{script}\ndoes not end within 10 minutes");
        }
        return (process.ExitCode, await output + await error);
    }

    private static string Notebook()
    {
        Assert.SkipWhen(RepositoryRoot.Folder is null, "the notebook is in the repository, and this program was copied out of it");
        return Path.Combine(RepositoryRoot.Folder!, "docs", "course", "lowrank_colab.ipynb");
    }

    private static List<(string Script, IReadOnlyList<string> Tags)> Cells()
    {
        using var notebook = JsonDocument.Parse(File.ReadAllBytes(Notebook()));
        return [.. notebook.RootElement.GetProperty("cells").EnumerateArray().Where(c => c.GetProperty("cell_type").GetString() == "code").Select(c => (
            string.Concat(c.GetProperty("source").EnumerateArray().Select(l => l.GetString()))[Shell.Length..],
            (IReadOnlyList<string>)[.. c.GetProperty("metadata").TryGetProperty("tags", out var tags) ? tags.EnumerateArray().Select(t => t.GetString()!) : []]))];
    }
}
