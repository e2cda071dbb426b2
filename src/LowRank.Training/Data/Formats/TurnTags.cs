namespace LowRank.Training.Data.Formats;

/// <summary>What the members and speakers of ShareGPT turns are called in a file, as the <c>tags</c> of LLaMA-Factory's dataset_info.json tell.</summary>
/// <param name="Role">The member that names the speaker.</param>
/// <param name="Content">The member that holds what is said.</param>
/// <param name="Speakers">Names of this file, to those that are known (human, gpt, system, observation, function_call).</param>
internal sealed record TurnTags(string Role, string Content, IReadOnlyDictionary<string, string> Speakers);
