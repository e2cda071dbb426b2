namespace LowRank.Models.Generation;

/// <summary>Text cannot be generated: the prompt is empty or longer than the model's context, a setting is out of range, or the model has no chat template.</summary>
public sealed class GenerationException : LowRankException
{
    internal GenerationException(string message) : base(message)
    {
    }
}
