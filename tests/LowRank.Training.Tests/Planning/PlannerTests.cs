using LowRank.Adapters;
using LowRank.Quantization;
using LowRank.Training.Planning;
using LowRank.Training.Planning.Reports;
using LowRank.Training.Planning.Shapes;
using LowRank.Training.Planning.Sources;

namespace LowRank.Training.Tests.Planning;

public class PlannerTests
{
    private static PlanReport Plan(string model, PlanSettings settings) => Planner.Plan(ModelSource.Open(model), settings);

    [Fact]
    public void The_lectures_7B_has_its_exact_bill()
    {
        var plan = Plan("llama-2-7b", new PlanSettings { Memory = "8GB", Target = "qv" });
        MemoryPlan Of(TrainingRecipe recipe) => plan.Rows.First(r => r.Recipe == recipe && !r.Checkpointing).Plan;
        // M3: 13.48 GB, 33.6 MB, 33.6 MB, 67.1 MB.
        var lora = Of(TrainingRecipe.Lora);
        Assert.Equal((13_476_831_232, 33_554_432, 33_554_432, 67_108_864), (lora.Base.Bytes, lora.Adapter.Bytes, lora.Gradients.Bytes, lora.Optimizer.Bytes));
        // M4: 3.341 + 0.525 GB with double quantization.
        Assert.Equal(3_340_772_224 + 2 * (6_738_415_616 - 6_476_005_376), Of(TrainingRecipe.QloraDouble).Base.Bytes);
        // M5: 12 and 16 bytes a parameter.
        Assert.Equal(12 * 6_738_415_616, Weights(Of(TrainingRecipe.FullBf16)));
        Assert.Equal(16 * 6_738_415_616, Weights(Of(TrainingRecipe.FullMaster)));
        Assert.Equal(16 * 6_738_415_616, Weights(Of(TrainingRecipe.FullFp32)));
        static long Weights(MemoryPlan p) => p.Base.Bytes + p.Gradients.Bytes + p.Optimizer.Bytes;
    }

    [Theory]
    [InlineData("model.layers.0", 1), InlineData("down_proj", 32)]
    public void Modules_that_are_not_quantized_keep_16_bits(string skip, int modules)
    {
        var shape = ModelSource.Open("llama-2-7b").Shape;
        long Base(FourBitOptions form) => MemoryPlanner.Predict(shape, new PlannedRun { Recipe = TrainingRecipe.QloraDouble, Rows = 1, Length = 8, Quantization = form }).Base.Bytes;
        // "model.layers.0" begins the names of one layer's seven matrices, "down_proj" ends those of one matrix in each layer.
        var weights = modules == 1 ? shape.Linears.Sum(l => l.Weights) : 32 * shape.Linears.Single(l => l.Name.EndsWith(skip, StringComparison.Ordinal)).Weights;
        var matrices = modules == 1 ? shape.Linears.Select(l => l.Weights) : Enumerable.Repeat(weights / 32, 32);
        Assert.Equal(2 * weights - matrices.Sum(w => BaseBytes.Nf4(w, doubleQuantization: true)), Base(new FourBitOptions { Skip = [skip] }) - Base(new FourBitOptions()));
    }

    [Theory]
    [InlineData("qwen3", "q_norm"), InlineData("gemma2", "post_feedforward_layernorm")]
    public void Modules_are_those_of_the_decoder(string family, string norm)
    {
        var source = KnownModel.All.Select(m => ModelShape.Read(m.Config)).First(s => s.ModelType == family);
        Assert.Equal(source.NormWeights, source.Modules().Where(m => m.Kind == ModuleKind.Other).Sum(m => m.OutFeatures));
        Assert.Equal(source.Parameters, source.Tensors().Sum());
        Assert.Equal(source.Layers, source.Modules().Count(m => m.Name.EndsWith($".{norm}", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("dpo", 2, 1), InlineData("orpo", 2, 0), InlineData("simpo", 2, 0), InlineData("kto", 1, 7), InlineData("sft", 1, 0)]
    public void Pairs_take_two_sequences_and_a_reference_takes_time(string objective, int sequences, double forwardEpochs)
    {
        PlanReport Of(string learned, int batch) => Plan("smollm2-135m", new PlanSettings { Memory = "8GB", Objective = learned, Batch = batch, Length = 256, Tokens = 100_000, Gflops = 100 });
        var (plan, twice) = (Of(objective, 3), Of("sft", 3 * sequences));
        Assert.Equal((objective, sequences, 3), (plan.Objective, plan.SequencesOfRow, plan.Batch));
        Assert.Equal(twice.Rows.Select(r => r.Plan.Total), plan.Rows.Select(r => r.Plan.Total));
        // What fits at most is counted in pairs.
        Assert.Equal(twice.Largest.Select(l => l.Batch / sequences), plan.Largest.Select(l => l.Batch));
        Assert.Equal(forwardEpochs * 100_000, plan.Time!.ForwardTokens);
        // Full fine-tuning leaves no base to compare with.
        Assert.Equal(objective is not ("dpo" or "kto"), plan.Advice.Any(a => a.Contains("full fine-tuning", StringComparison.Ordinal)));
        // A forward pass is 2 of the 4 operations of a frozen weight, and 2 of attention's 7.
        Assert.InRange(plan.Time.ForwardFactor, 0.28, 0.5);
        Assert.Equal(twice.Time!.AdapterHours * (1 + forwardEpochs / 3 * plan.Time.ForwardFactor), plan.Time.AdapterHours, 1e-9);
    }

    [Fact]
    public void Parts_add_up_and_every_one_says_how()
    {
        foreach (var row in Plan("gemma-2-9b", new PlanSettings { Memory = "24GB", Rank = "8,64" }).Rows)
        {
            Assert.Equal(row.Plan.Total, row.Plan.Parts.Sum(p => p.Part.Bytes));
            Assert.All(row.Plan.Parts, p => Assert.NotEmpty(p.Part.Formula));
            Assert.Equal(row.Fits, row.Plan.Total <= 0.8 * 24e9);
        }
    }

    [Fact]
    public void Checkpointing_and_lower_ranks_need_less()
    {
        var rows = Plan("llama-3.1-8b", new PlanSettings { Memory = "24GB", Rank = "8,16,32,64", Batch = 4 }).Rows;
        foreach (var recipe in TrainingRecipe.All)
        {
            var own = rows.Where(r => r.Recipe == recipe).ToList();
            Assert.All(own.GroupBy(r => r.Rank), pair => Assert.True(pair.Single(r => r.Checkpointing).Plan.Total < pair.Single(r => !r.Checkpointing).Plan.Total));
            Assert.Equal(own.Where(r => r.Checkpointing).OrderBy(r => r.Rank), own.Where(r => r.Checkpointing).OrderBy(r => r.Plan.Total));
        }
    }

    [Fact]
    public void The_largest_batch_fits_and_one_row_more_does_not()
    {
        var settings = new PlanSettings { Memory = "24GB", Length = 1024 };
        var largest = Plan("llama-2-7b", settings).Largest.Single(l => l.Recipe == TrainingRecipe.QloraDouble);
        Assert.True(largest.BatchCheckpointed > largest.Batch && largest.LengthCheckpointed > largest.Length);
        bool Fits(int batch) => Plan("llama-2-7b", settings with { Batch = batch }).Rows.Single(r => r.Recipe == TrainingRecipe.QloraDouble && !r.Checkpointing).Fits;
        Assert.True(Fits((int)largest.Batch));
        Assert.False(Fits((int)largest.Batch + 1));
    }

    [Fact]
    public void Where_nothing_fits_it_says_what_to_change()
    {
        var plan = Plan("llama-2-7b", new PlanSettings { Memory = "5.5GB", Batch = 8 });
        Assert.DoesNotContain(plan.Rows, r => r.Fits);
        Assert.StartsWith("Nothing fits in 4.40 GB (80 % of 5.50 GB)", plan.Advice[0], StringComparison.Ordinal);
        Assert.Contains(plan.Advice, a => a.StartsWith("Not enough: batch 1", StringComparison.Ordinal) || a.StartsWith("This fits: batch 1", StringComparison.Ordinal));
        Assert.Contains(plan.Advice, a => a.StartsWith("Smaller models that fit: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Cards_are_known_by_name_and_compute_in_16_bits_where_they_can()
    {
        var plan = Plan("llama-2-7b", new PlanSettings { Device = "T4" });
        Assert.Equal((15360L << 20, "fp16"), (plan.MemoryBytes, plan.Dtype));
        Assert.Equal("bf16", Plan("llama-2-7b", new PlanSettings { Device = "a100-80" }).Dtype);
        Assert.Equal("fp32", Plan("llama-2-7b", new PlanSettings { Device = "p100" }).Dtype);
        // With fp16 activations stay fp32, the inputs of adapted layers are kept in 16 bits; trained weights are multiplied in fp32.
        PlannedRun run = new() { Recipe = TrainingRecipe.Lora, Rows = 1, Length = 64, ComputeBytes = PlannedRun.ActivationBytes("fp16"), ProductBytes = PlannedRun.OperandBytes("fp16", isFull: false) };
        Assert.True(run.RoundsProducts);
        Assert.Equal(4, PlannedRun.OperandBytes("fp16", isFull: true));
        Assert.Null(plan.Time);
        Assert.Contains("did you mean rtx4090", Assert.Throws<LowRankException>(() => Plan("llama-2-7b", new PlanSettings { Device = "rtx409" })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hours_are_work_by_speed()
    {
        // 543.2 Mflop a token at length 512 with half of the tokens learned; at 0.47 of 100 GFLOP/s.
        var time = Plan("smollm2-135m", new PlanSettings { Examples = 1000, Length = 512, Epochs = 2, Gflops = 100 }).Time!;
        Assert.Equal(543.2e6, time.FlopsPerToken, 0.05e6);
        Assert.Equal(1_024_000, time.Tokens);
        Assert.Equal(1_024_000 * 543.2e6 / (100e9 * PlannedTime.MeasuredRatio) / 3600, time.AdapterHours, 0.001);
        Assert.True(time.FullHours > time.AdapterHours && time.CheckpointingFactor is > 1.2 and < 1.6);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("8,x")]
    [InlineData("")]
    public void Ranks_must_be_numbers(string rank) => Assert.Contains("--rank", Assert.Throws<LowRankException>(() => Plan("llama-2-7b", new PlanSettings { Rank = rank })).Message, StringComparison.Ordinal);

    [Fact]
    public void The_lectures_bill_has_the_exact_figures()
    {
        var lines = LectureBill.Lines();
        Assert.Equal(["M1", "M2", "M3", "M4", "M5", "Q2"], lines.Select(l => l.Claim).Distinct());
        Assert.All(lines, l => Assert.All([l.Item, l.Lecture, l.Exact, l.Reason], Assert.NotEmpty));
        foreach (var figure in (string[])["8,388,608, 0.1243 %", "13.477 GB", "33.6 MB", "67.1 MB", "13.611 GB", "3.866 GB", "80.861 GB", "107.815 GB", "3.341 GB", "3.49 times"])
            Assert.Contains(lines, l => l.Exact.Contains(figure, StringComparison.Ordinal));
    }
}
