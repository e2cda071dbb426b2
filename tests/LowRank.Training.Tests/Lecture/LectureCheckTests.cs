using LowRank.Training.Lecture;
using LowRank.Training.Lecture.Content;

namespace LowRank.Training.Tests.Lecture;

/// <summary>The check of the whole lecture, as <c>lowrank learn --check</c> runs it, on the tiny model.</summary>
[Trait("Category", "Lecture")]
public sealed class LectureCheckTests(LectureFindings findings, ITestOutputHelper output) : IClassFixture<LectureFindings>
{
    /// <summary>Figures of each claim that, found otherwise, change the verdict, whatever a run on this machine gives for the others.</summary>
    public static TheoryData<string, string, double, string> Alterations => new()
    {
        { "P1", "kept_rank_8", 0.95, "reproduced" }, { "P1", "kept_rank_8", 0.2, "not-reproduced" },
        { "P2", "plain_error", 0, "reproduced" }, { "P2", "scaled_error", 0.5, "not-reproduced" },
        { "P3", "ratio", 250, "reproduced" }, { "P3", "adapter_counted", 1, "not-reproduced" },
        { "P4", "error_rank_32", 0.04, "refined" }, { "P4", "share_rank_32", 0.9, "not-reproduced" },
        { "P5", "fingerprint_equal", 0, "refined" }, { "P5", "changed", 1, "not-reproduced" },
        { "P6", "here_share_rank_64", 0.05, "reproduced" }, { "P6", "trainable_rank_64", 1, "not-reproduced" },
        { "P7", "same_choice", 0.9, "refined" }, { "P7", "difference", 1, "not-reproduced" },
        { "S1", "trained_mb_rank_64", 0.1, "not-reproduced" },
        { "S3", "early_loss_double", 9, "not-reproduced" },
        { "S4", "loss_all", 9, "not-reproduced" },
        { "Q1", "error_fp4", 0.01, "not-reproduced" },
        { "Q2", "ratio", 4, "reproduced" }, { "Q2", "four_gb", 6, "not-reproduced" },
        { "Q3", "kept_qlora_high", 0.9, "not-reproduced" },
        { "Q4", "qlora_step_gb", 40, "not-reproduced" },
        { "M1", "equal", 4, "refined" }, { "M1", "equal", 0, "not-reproduced" },
        { "M2", "rank_16", 4e6, "reproduced" }, { "M3", "total_gb", 20, "not-reproduced" },
        { "M4", "model_gb", 3.5, "reproduced" }, { "M4", "total_gb", 6, "not-reproduced" },
        { "M5", "lora_gb", 8, "reproduced" }, { "M5", "full_gb", 60, "not-reproduced" },
        { "S2", "rank_5000", 8, "not-reproduced" }, { "C1", "lora_24_personal", 0, "not-reproduced" }, { "C1", "lora_16_production", 1, "reproduced" },
        { "C2", "qlora_16_personal", 0, "not-reproduced" }, { "C2", "qlora_small_model", 1, "reproduced" }, { "C3", "rank_500", 64, "not-reproduced" },
        { "T1", "loss_moved", 9, "not-reproduced" }, { "T2", "gain_rank_8", 0.5, "not-reproduced" },
        { "T3", "rise_equal", 5, "not-reproduced" }, { "T4", "gain_qv", 0.3, "not-reproduced" },
        { "T5", "used_share", 0.95, "not-reproduced" },
        { "E1", "guard_faulty", 0, "not-reproduced" }, { "E2", "guard_sound", 1, "not-reproduced" }, { "E3", "guard_equal", 1, "not-reproduced" },
        { "E4", "guard_few", 0, "not-reproduced" }, { "E4", "extra_share_lora", 0.2, "reproduced" },
        { "E5", "guard_changed", 0, "refined" }, { "E5", "guard_sound", 1, "not-reproduced" },
        { "A1", "held_out_dora", 9, "not-reproduced" }, { "A2", "rank_most", 0, "not-reproduced" }, { "A3", "loss_16", 9, "not-reproduced" },
        { "A4", "mixed_difference", 0.1, "not-reproduced" }, { "A4", "base_same", 0, "not-reproduced" },
        { "PEFT", "difference", 1, "not-reproduced" }, { "PEFT", "loss_again", 9, "refined" }, { "Unsloth", "difference", 1, "not-reproduced" }, { "Unsloth", "checkpointed_gb", 99, "not-reproduced" },
        { "LLaMA-Factory", "unknown", 1, "not-reproduced" }, { "LLaMA-Factory", "carried", 0, "refined" }, { "nvidia-smi", "resident_gb", 1e9, "not-reproduced" },
        { "wandb", "rows", 1, "not-reproduced" }, { "wandb", "exit_code", 1, "refined" },
    };

    [Fact]
    public void No_claim_is_contradicted_by_the_figures()
    {
        foreach (var finding in findings.All)
            output.WriteLine($"{finding.Claim.Id,-14} {finding.Verdict.Name(),-15} {finding.Elapsed.TotalSeconds,6:0.0} s  {string.Join(", ", finding.Figures.Select(f => FormattableString.Invariant($"{f.Key} {f.Value:g5}")))}");
        Assert.DoesNotContain(findings.All, f => f.Verdict == ClaimVerdict.NotReproduced);
        Assert.Equal(ClaimChecks.All.Count, findings.All.Count(f => f.Verdict != ClaimVerdict.Open));
        Assert.All(findings.All, f => Assert.All(f.Figures, figure => Assert.True(double.IsFinite(figure.Value), $"{f.Claim.Id} {figure.Key}")));
    }

    [Fact]
    public void What_arithmetic_decides_is_decided_alike_everywhere()
    {
        string[] refined = ["P2", "P3", "P6", "Q2", "M2", "M3", "M4", "M5", "C1", "C2", "C3", "E4"], reproduced = ["P4", "P5", "P7", "M1", "E5", "PEFT", "LLaMA-Factory", "wandb"];
        Assert.All(refined, id => Assert.Equal(ClaimVerdict.Refined, findings.Of(id).Verdict));
        Assert.All(reproduced, id => Assert.Equal(ClaimVerdict.Reproduced, findings.Of(id).Verdict));
        // The lecture's table of exact numbers.
        Assert.Equal(256, findings.Of("P3").Figures["ratio"]);
        Assert.Equal((8_388_608, 4_194_304), (findings.Of("M2").Figures["rank_16"], findings.Of("M2").Figures["rank_8"]));
        Assert.Equal(13.61, findings.Of("M3").Figures["total_gb"], 0.005);
        Assert.Equal(4.00, findings.Of("M4").Figures["total_gb"], 0.005);
        Assert.Equal((80.9, 107.8), (Math.Round(findings.Of("M5").Figures["full_gb"], 1), Math.Round(findings.Of("M5").Figures["full_master_gb"], 1)));
        Assert.Equal((3.341, 3.866, 3.49), (Math.Round(findings.Of("Q2").Figures["linear_gb"], 3), Math.Round(findings.Of("Q2").Figures["four_gb"], 3), Math.Round(findings.Of("Q2").Figures["ratio"], 2)));
        Assert.Equal((4.5, 4.127), (findings.Of("Q1").Figures["bits"], Math.Round(findings.Of("Q1").Figures["bits_double"], 3)));
    }

    [Theory, MemberData(nameof(Alterations))]
    public void A_verdict_changes_with_the_figures(string id, string figure, double value, string verdict)
    {
        var found = findings.Of(id);
        Assert.Contains(figure, found.Figures.Names);
        var changed = ClaimChecks.For(id)!.Judge(found.Figures.With(figure, value));
        Assert.Equal(verdict, changed.Name());
        Assert.NotEqual(found.Verdict, changed);
    }

    [Fact]
    public void Every_check_is_shown_to_depend_on_its_figures() =>
        Assert.Empty(ClaimChecks.All.Select(c => c.Id).Except(Alterations.Select(a => a.Data.Item1)));

    [Fact]
    public void Every_text_finds_its_figures_whatever_the_verdict()
    {
        foreach (var finding in findings.All.Where(f => f.Verdict != ClaimVerdict.Open))
            foreach (var language in Enum.GetValues<LectureLanguage>())
            {
                Assert.DoesNotContain('{', finding.FoundIn(language)!);
                foreach (var verdict in Enum.GetValues<ClaimVerdict>())
                    Assert.DoesNotContain('{', (finding with { Verdict = verdict }).ReasonIn(language, findings.Content));
            }
    }

    [Theory]
    [InlineData("P1"), InlineData("P4"), InlineData("S3"), InlineData("A2")]
    public void A_pictured_claim_is_drawn(string id)
    {
        foreach (var language in Enum.GetValues<LectureLanguage>())
        {
            var png = findings.Course.Draw(findings.Of(id).Claim, language)!.ToPng();
            Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
            Assert.InRange(png.Length, 5_000, 500_000);
        }
    }
}
