// Makes assets/tiny: text, tokenizer, a random Llama, its training by LowRank itself, and the rows of the quickstart's task.
//
//   eng/make-tiny-model.sh [OUTPUT]
using System.Diagnostics;
using System.Globalization;
using LowRank.Training;
using LowRank.Training.Events;
using LowRank.Training.Guards;
using LowRank.Training.Settings;
using TinyModel;

const int seed = 7, conversations = 24_000, heldOutConversations = 300, vocabulary = 2048;
var (texts, output) = (args[0], Path.GetFullPath(args[1]));
var work = Path.Combine(output, ".work");
Directory.CreateDirectory(work);
var common = Subject.Read(Path.Combine(texts, "common.txt"));
var subjects = Directory.GetFiles(texts, "*.txt").Where(f => Path.GetFileName(f) != "common.txt").Order(StringComparer.Ordinal).Select(f => Subject.Read(f, common)).ToArray();
var maker = new Texts(subjects, seed);

var all = maker.Conversations(conversations + heldOutConversations).ToArray();
Texts.Write(Path.Combine(work, "chat.jsonl"), all[..conversations]);
Texts.Write(Path.Combine(work, "chat.held-out.jsonl"), all[conversations..]);
Texts.Write(Path.Combine(output, "subjects.train.jsonl"), maker.Messages(560, heldOut: false));
Texts.Write(Path.Combine(output, "subjects.test.jsonl"), maker.Messages(120, heldOut: true));

// Role names and task words are in the tokenizer's text too, so that each is one or two tokens.
var tokenizer = BytePairTrainer.Train([.. all[..conversations].SelectMany(c => c.Select(t => t.Text)), .. maker.Messages(560, heldOut: false).SelectMany(m => m.Select(t => t.Text)), .. Enumerable.Repeat("user\nassistant\nsystem\n", 1000)], vocabulary);
RandomCheckpoint.Write(Path.Combine(work, "start"), tokenizer, seed);

var settings = new TrainSettings
{
    Model = new ModelSettings { Model = Path.Combine(work, "start"), Threads = 2 },
    Adapter = new AdapterSettings { Method = "full" },
    Data = new DataSettings { Data = Path.Combine(work, "chat.jsonl"), Validation = Path.Combine(work, "chat.held-out.jsonl"), TrainOn = "all", Packing = true, MaxLength = 256 },
    Optimization = new OptimizationSettings { Epochs = 1, Batch = 8, LearningRate = 3e-3, Warmup = 0.05, WeightDecay = 0.01, Seed = seed },
    Evaluation = new EvaluationSettings { EvalEvery = 150, Samples = 4 },
    // Weights that begin at random bear, and need, a higher rate than those of a model that is fine-tuned.
    Guards = new GuardSettings { Silence = GuardIds.LearningRateUnfit },
    Output = new OutputSettings { Output = Path.Combine(work, "run"), SaveEvery = 100_000 },
};
var clock = Stopwatch.StartNew();
RunCompleted? end = null;
using (var run = TrainingRun.Create(settings, Console.WriteLine))
{
    await foreach (var e in run.TrainAsync())
    {
        if (e is RunStarted started) Console.WriteLine($"{started.AllParameters} parameters, {started.TotalSteps} steps");
        if (e is StepCompleted step && (step.Step % 20 == 0 || step.Step == 1)) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"step {step.Step}: loss {step.Loss:f3}, {step.TokensPerSecond:f0} tokens/s, left {step.TimeLeft:mm\\:ss}"));
        if (e is EvaluationCompleted evaluation)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"held-out loss {evaluation.Loss:f3}"));
            foreach (var (prompt, answer) in evaluation.Samples) Console.WriteLine($"  {prompt} -> {answer}");
        }
        if (e is RunCompleted completed) end = completed;
    }
}
foreach (var name in (string[])["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
    File.Copy(Path.Combine(work, "run", name), Path.Combine(output, name), overwrite: true);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: held-out loss per token {end!.BestValidationLoss:f3}, training loss {end.TrainLoss:f3}, {end.Step} steps, {clock.Elapsed.TotalSeconds:f0} s"));
Directory.Delete(work, recursive: true);
