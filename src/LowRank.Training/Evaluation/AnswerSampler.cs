using LowRank.Models;
using LowRank.Models.Generation;
using LowRank.Training.Data;

namespace LowRank.Training.Evaluation;

/// <summary>Answers the same questions again and again, so that a person can read how the answers change while a model learns. Greedy.</summary>
public sealed class AnswerSampler
{
    private readonly LanguageModel model;
    private readonly IReadOnlyList<Question> questions;
    private readonly GenerationOptions options;

    /// <summary>Prepares the questions.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">The rows to answer; those without a question (plain texts, tool calls, prompts that fill the model's context) are passed over.</param>
    /// <param name="count">How many, from the first on.</param>
    /// <param name="maxNewTokens">The most tokens of an answer. Default 48.</param>
    /// <exception cref="LowRankException">A row is a conversation, and the model has no chat template or one that refuses it.</exception>
    public AnswerSampler(LanguageModel model, IReadOnlyList<DataRow> rows, int count, int maxNewTokens = 48)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        (this.model, options) = (model, new GenerationOptions { MaxNewTokens = maxNewTokens });
        questions = [.. rows.Select(r => Question.TryOf(model, r, out _)).OfType<Question>().Take(count)];
    }

    /// <summary>Each question with the answer of the model as it is now; on the calling thread.</summary>
    public IReadOnlyList<(string Prompt, string Answer)> Answer()
    {
        var answers = model.GenerateBatch([.. questions.Select(q => q.Prompt)], options);
        return [.. questions.Zip(answers, (q, a) => (q.Text, a.Text.Trim()))];
    }
}
