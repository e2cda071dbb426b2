using LowRank.Adapters;
using LowRank.Models;
using LowRank.Training.Data;
using LowRank.Training.Guards;
using LowRank.Training.Lecture.Laboratory;
using LowRank.Training.Lecture.Memory;

namespace LowRank.Training.Lecture.Mistakes;

/// <summary>Runs as guards see them before they begin, for claims about models that are not here.</summary>
internal static class GuardedExamples
{
    /// <summary>A run of the laboratory's model.</summary>
    public static GuardedRun Of(LanguageModel model, LectureLaboratory laboratory) => new()
    {
        Method = "qlora", LearningRate = 2e-4, HiddenSize = model.Decoder.Spec.HiddenSize, BaseParameters = model.ParameterCount, TrainableParameters = 0,
        Examples = ExampleBuilder.For(model).Build([laboratory.Training[0]]).Examples, Model = model,
    };

    /// <summary>A LoRA of Llama-2-7B over the first rows of the laboratory's data.</summary>
    public static GuardedRun OfSevenBillion(LectureLaboratory laboratory, int rank, string target, int rows)
    {
        using var model = laboratory.Load();
        var examples = ExampleBuilder.For(model).Build([.. laboratory.Training.Take(rows)]).Examples;
        var selection = TargetMatcher.Select(new LoraConfig { Rank = rank, Alpha = rank, TargetModules = ModulePattern.Parse(target) }, SevenBillion.Shape.Modules(), SevenBillion.Shape.ModelType);
        return new GuardedRun
        {
            Method = "lora",
            LearningRate = 2e-4,
            HiddenSize = SevenBillion.Shape.Hidden,
            BaseParameters = SevenBillion.Parameters,
            TrainableParameters = SevenBillion.Trainable(rank, target),
            Targets = selection.Targets,
            QueryAndValue = ["q_proj", "v_proj"],
            Examples = examples,
            SupervisedTokens = examples.Sum(e => (long)e.SupervisedTokens),
        };
    }
}
