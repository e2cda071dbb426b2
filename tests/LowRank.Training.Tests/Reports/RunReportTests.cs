using System.Xml.Linq;
using LowRank.Testing;
using LowRank.Training.Checkpoints;
using LowRank.Training.Events;
using LowRank.Training.Reports;
using LowRank.Training.Settings;
using LowRank.Training.Tests.Runs;
using SkiaSharp;

namespace LowRank.Training.Tests.Reports;

/// <summary>Reports: one page that needs nothing else, a text with pictures beside it. Set LOWRANK_PICTURES to a folder to keep one for a look.</summary>
public sealed class RunReportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static readonly TrainSettings Settings = new()
    {
        Model = new ModelSettings { Model = "org/model", Device = "cuda:0", Dtype = "bf16", Threads = 4 },
        Adapter = new AdapterSettings { Method = "qlora", Rank = 8 },
        Data = new DataSettings { Data = "rows.jsonl", Validation = "0.1" },
    };

    public void Dispose() => folder.Dispose();

    private string Past(TrainSettings settings, params IEnumerable<TrainingEvent> events) => PastRun.Write(folder.At("my run"), settings, events);

    private static IEnumerable<TrainingEvent> Whole() =>
    [
        PastRun.Start(100), new AnswersSampled { Samples = [("What <is> \"1 | 2\"?", "I & you\u001b[2J\n```sh\nrm\n```")] }, .. PastRun.Steps(1, 50, 100), PastRun.Machine(50, 80), PastRun.HeldOut(50, 1.5, true, ("What <is> \"1 | 2\"?", "half")),
        .. PastRun.Steps(51, 100, 100), PastRun.Machine(100, 95), PastRun.HeldOut(100, 1.75, false, ("What <is> \"1 | 2\"?", "three")), new RunWarning("The rate is <high>.") { Id = "lr-unfit" }, PastRun.End(100, RunEnd.Finished),
    ];

    private static XElement Page(string path)
    {
        // Well-formed as XML, which a browser's parser asks less than.
        var page = XDocument.Parse(File.ReadAllText(path)).Root!;
        Assert.Equal("html", page.Name.LocalName);
        Assert.Empty(page.Descendants("script"));
        Assert.Empty(page.Descendants("link"));
        Assert.All(page.DescendantsAndSelf().Attributes().Where(a => a.Name.LocalName is "src" or "href"), a => Assert.StartsWith("data:image/png;base64,", a.Value, StringComparison.Ordinal));
        Assert.DoesNotContain("@import", page.Value, StringComparison.Ordinal);
        Assert.DoesNotContain("url(", page.Value, StringComparison.Ordinal);
        Assert.Contains(page.Descendants("meta"), m => (string?)m.Attribute("content") == "default-src 'none'; img-src data:; style-src 'unsafe-inline'");
        return page;
    }

    [Fact]
    public void A_finished_run_has_everything_in_one_page()
    {
        var page = Page(RunReport.Write(Past(Settings, Whole())));
        Assert.Equal("my run", page.Descendants("title").Single().Value);
        Assert.Equal(["Results", "Plan and measurement", "Curves", "Answers before and after", "Warnings", "Settings", "How to use the result", "Where it ran"], page.Descendants("h2").Select(h => h.Value));
        Assert.Equal(5, page.Descendants("img").Count());
        foreach (var image in page.Descendants("img"))
        {
            using var bitmap = SKBitmap.Decode(Convert.FromBase64String(((string)image.Attribute("src")!)["data:image/png;base64,".Length..]));
            Assert.Equal((900, 560), (bitmap.Width, bitmap.Height));
        }
        string[] rows = [.. page.Descendants("tr").Select(r => string.Join('|', r.Elements().Select(c => c.Value)))];
        Assert.Contains("training loss, end|1.2500", rows);
        Assert.Contains("held-out loss, best|1.5000 (perplexity 4.482), at step 50", rows);
        Assert.Contains("peak memory|800.0 MiB|880.0 MiB|+10.0 %", rows);
        Assert.Contains("time of the steps|10.0 s|10.0 s|+0.0 %", rows);
        Assert.Contains("base|540.0 MiB|67.5 %", rows);
        Assert.Contains("rank|8|16", rows);
        Assert.Contains("packing|false", rows);
        Assert.Contains("GPU 0|NVIDIA H200, 140.40 GiB, used by this run", rows);
        Assert.Equal(["asked|What <is> \"1 | 2\"?", "answered before the run|I & you\ufffd[2J\n```sh\nrm\n```", "answered at step 100|three"], page.Descendants("figure").Select(f => string.Join('|', f.Elements().Select(e => e.Value))));
        Assert.Contains("[lr-unfit] The rate is <high>.", page.Descendants("li").Select(l => l.Value));
        Assert.Contains(page.Descendants("code"), c => c.Value.Contains("lowrank merge --model org/model --adapter", StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("LOWRANK_PICTURES") is { Length: > 0 } keep)
            foreach (var file in Directory.GetFiles(folder.At("my run"), "*", SearchOption.AllDirectories).Where(f => f.Contains("report", StringComparison.Ordinal)))
                File.Copy(file, Path.Combine(Directory.CreateDirectory(keep).FullName, Path.GetFileName(file)), overwrite: true);
    }

    [Fact]
    public void The_text_shows_its_pictures_from_the_folder_beside_it()
    {
        RunReport.Write(Past(Settings, Whole()));
        var text = File.ReadAllText(folder.At("my run/report.md"));
        Assert.Equal(["gpu-memory.png", "learning-rate.png", "loss.png", "memory.png", "use.png"], Directory.GetFiles(folder.At("my run/report")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        foreach (var picture in Directory.GetFiles(folder.At("my run/report"))) Assert.Contains($"](report/{Path.GetFileName(picture)})", text, StringComparison.Ordinal);
        // A fence of the answer does not end the one around it, and what moves a cursor is left out.
        Assert.Contains("answered before the run:\n\n````text\nI & you[2J", text, StringComparison.Ordinal);
        Assert.Contains("\nrm\n```\n````\n", text, StringComparison.Ordinal);
        Assert.Contains("| training loss, end | 1.2500 |", text, StringComparison.Ordinal);
        Assert.Contains("- [lr-unfit] The rate is \\<high>.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Written_again_it_is_the_same()
    {
        var path = RunReport.Write(Past(Settings, Whole()));
        var (page, text) = (File.ReadAllText(path), File.ReadAllText(folder.At("my run/report.md")));
        Assert.Equal(path, RunReport.Write(folder.At("my run") + Path.DirectorySeparatorChar));
        Assert.Equal((page, text), (File.ReadAllText(path), File.ReadAllText(folder.At("my run/report.md"))));
    }

    [Fact]
    public void A_run_that_broke_off_says_how_to_go_on_and_one_without_prompts_how_to_have_some()
    {
        var page = Page(RunReport.Write(Past(Settings with { Data = new DataSettings { Data = "rows.jsonl" } }, [PastRun.Start(100), .. PastRun.Steps(1, 1, 100)])));
        Assert.Empty(page.Descendants("img"));
        Assert.Contains("--validation 0.1", page.Value, StringComparison.Ordinal);
        Assert.Contains("took no checkpoint yet", page.Value, StringComparison.Ordinal);
        Assert.Contains($"lowrank train --resume \"{folder.At("my run")}\"", page.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_writes_its_report_unless_told_not_to()
    {
        var settings = new TrainSettings
        {
            Model = new ModelSettings { Model = TinyModel.Create(folder.At("model")), Threads = 1 },
            Adapter = new AdapterSettings { Rank = 4 },
            Data = new DataSettings { Data = TinyModel.CreateData(folder.At("data.jsonl")), Validation = "6" },
            Optimization = new OptimizationSettings { MaxSteps = 4, Batch = 4, LearningRate = 1e-2 },
            Output = new OutputSettings { Output = folder.At("out") },
        };
        var before = 0;
        using (var run = TrainingRun.Create(settings))
            await foreach (var e in run.TrainAsync(TestContext.Current.CancellationToken))
            {
                if (e is AnswersSampled answers) (before, _) = (answers.Samples.Count, Assert.Single(answers.Samples));
                if (e is RunCompleted) Assert.True(File.Exists(folder.At("out/report.html")));
            }
        Assert.Equal(1, before);
        var page = Page(folder.At("out/report.html"));
        Assert.Contains("answered before the run", page.Value, StringComparison.Ordinal);
        Assert.Contains("answered at step 4", page.Value, StringComparison.Ordinal);
        Assert.True(RunRecord.Load(folder.At("out")).PlannedMemory!["base"] > 0);

        using (var run = TrainingRun.Create(settings with { Output = new OutputSettings { Output = folder.At("none"), Report = false } }))
            await foreach (var e in run.TrainAsync(TestContext.Current.CancellationToken)) Assert.IsNotType<AnswersSampled>(e);
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("none"), "report*"));
    }
}
