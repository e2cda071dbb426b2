using System.Text.Json;

namespace LowRank.Training.Data.Formats;

/// <summary>What two answers begin with: the prompt where none is given, as TRL's <c>extract_prompt</c> finds it.</summary>
internal static class SharedPrompt
{
    /// <summary>How many messages are the same, at least one of each left over as the answer.</summary>
    public static int Of(JsonElement[] chosen, JsonElement[] rejected)
    {
        var count = 0;
        while (count < chosen.Length - 1 && count < rejected.Length - 1 && JsonElement.DeepEquals(chosen[count], rejected[count])) count++;
        return count;
    }

    /// <summary>How many characters are the same; a space before the first difference belongs to the answers.</summary>
    public static int Of(string chosen, string rejected)
    {
        var count = 0;
        while (count < chosen.Length && count < rejected.Length && chosen[count] == rejected[count]) count++;
        if (count > 0 && count < chosen.Length && count < rejected.Length && chosen[count - 1] == ' ') count--;
        // Within no character.
        return count > 0 && char.IsHighSurrogate(chosen[count - 1]) ? count - 1 : count;
    }
}
