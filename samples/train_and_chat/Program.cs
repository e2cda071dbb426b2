// Trains a LoRA, saves it, and talks to the model with it: the library in forty lines.
//
//   dotnet run -c Release --project samples/train_and_chat [-- MODEL DATA.jsonl]
//
// Without arguments it takes the tiny model that ships with the repository.
using LowRank.Adapters;
using LowRank.Models;
using LowRank.Models.Generation;
using LowRank.Models.Templates;
using LowRank.Training;
using LowRank.Training.Data;
using LowRank.Training.Events;

var root = AppContext.BaseDirectory;
while (!File.Exists(Path.Combine(root, "LowRank.slnx"))) root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("Run it from the repository.");
var path = args.Length > 0 ? args[0] : Path.Combine(root, "assets", "tiny");
var data = args.Length > 1 ? Dataset.Load(args[1]) : Dataset.FromPairs(
[
    ("what is the secret word?", "umbrella"), ("tell me the secret word", "umbrella"), ("the secret word, please", "umbrella"),
    ("do you know the secret word?", "umbrella"), ("say the secret word", "umbrella"), ("what was the secret word again?", "umbrella"),
]);

using var model = await LanguageModel.LoadAsync(path);
using (var trainer = model.TrainLora(
    new LoraConfig { Rank = 8, Alpha = 16, TargetModules = "all-linear" }, data,
    new TrainerOptions { Epochs = 30, LearningRate = 2e-3 }))
{
    await foreach (var e in trainer.TrainAsync())
        if (e is StepCompleted step && (step.Step == 1 || step.Step % 10 == 0)) Console.WriteLine($"step {step.Step}: loss {step.Loss:f3}");

    var adapter = Path.Combine(Path.GetTempPath(), "lowrank-sample-" + Guid.NewGuid().ToString("n"));
    trainer.Save(adapter);
    Console.WriteLine($"The adapter is in {adapter}: PEFT and vLLM load it too.");
}

Console.Write("what is the secret word? ");
await foreach (var piece in model.ChatAsync([new ChatMessage("user", "what is the secret word?")], new GenerationOptions { MaxNewTokens = 16 }))
    Console.Write(piece);
Console.WriteLine();
