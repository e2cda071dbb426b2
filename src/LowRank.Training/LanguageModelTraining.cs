using LowRank.Adapters;
using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Methods;
using LowRank.Training.Starts;

namespace LowRank.Training;

/// <summary>Training from a program, in one call: data and settings in, a <see cref="Trainer"/> out.</summary>
public static class LanguageModelTraining
{
    /// <summary>Puts a new LoRA into the model and prepares its training.</summary>
    /// <param name="model">The model, without an adapter.</param>
    /// <param name="config">The adapter's settings.</param>
    /// <param name="data">What to learn.</param>
    /// <param name="options">Epochs, batches, learning rate.</param>
    /// <param name="validation">Held-out data, or null.</param>
    /// <param name="examples">What of a row is learned, and how long it may be.</param>
    /// <returns>The trainer. Dispose it before the model; the adapter stays in the model.</returns>
    /// <exception cref="LowRankException">The data has rows to learn nothing from, or the settings do not fit the model.</exception>
    public static Trainer TrainLora(this LanguageModel model, LoraConfig config, Dataset data, TrainerOptions? options = null, Dataset? validation = null, ExampleOptions? examples = null)
    {
        var use = options?.Objective.Rows ?? RowUse.Answers;
        data.RequireTrainable(use);
        var builder = ExampleBuilder.For(model, (examples ?? new ExampleOptions()) with { Use = use });
        var (learned, held) = (builder.Build(data.Rows), validation is null ? null : builder.Build(validation.Rows));
        options ??= new TrainerOptions();
        var attached = config.Initialization == LoraInitialization.Eva ? EvaStart.Attach(model, config, options.Seed, learned.Examples, options.Batches) : model.Attach(config, options.Seed);
        return new Trainer(new LoraWeights(model, attached), learned.Examples, held?.Examples ?? [], options);
    }
}
