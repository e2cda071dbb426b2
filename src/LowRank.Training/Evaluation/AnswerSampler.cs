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
    /// <param name="rows">The rows to answer; those without a question are an error.</param>
    /// <param name="maxNewTokens">The most tokens of an answer. Default 48.</param>
    /// <exception cref="DatasetException">Some rows have no question.</exception>
    public AnswerSampler(LanguageModel model, IReadOnlyList<DataRow> rows, int maxNewTokens = 48)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        (this.model, questions, options) = (model, rows.Count == 0 ? [] : Question.Of(model, rows), new GenerationOptions { MaxNewTokens = maxNewTokens });
    }

    /// <summary>Each question with the answer of the model as it is now; on the calling thread.</summary>
    public IReadOnlyList<(string Prompt, string Answer)> Answer()
    {
        var answers = model.GenerateBatch([.. questions.Select(q => q.Prompt)], options);
        return [.. questions.Zip(answers, (q, a) => (q.Text, a.Text.Trim()))];
    }
}
