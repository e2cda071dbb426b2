using LowRank.Models;
using LowRank.Models.Templates;

namespace LowRank.Cli.Prompts;

/// <summary>How a prompt reaches the model: as a user's turn by the chat template, or as plain text to continue.</summary>
/// <param name="Raw">Whether it is plain text. A model without a chat template has no other way.</param>
/// <param name="System">The system message, or null.</param>
internal sealed record PromptForm(bool Raw, string? System)
{
    /// <exception cref="UsageException">A system message is to stand in plain text.</exception>
    public void Check()
    {
        if (Raw && System is not null) throw new UsageException("--system is a turn of a chat: it cannot go with --raw.");
    }

    /// <summary>Whether the prompt becomes a chat with this model.</summary>
    public bool IsChat(LanguageModel model) => !Raw && (model.ChatTemplate is not null || System is not null);

    /// <summary>The conversation.</summary>
    public IReadOnlyList<ChatMessage> Messages(string prompt) =>
        System is null ? [new ChatMessage("user", prompt)] : [new ChatMessage("system", System), new ChatMessage("user", prompt)];

    /// <summary>The token ids.</summary>
    public int[] Encode(LanguageModel model, string prompt) => IsChat(model) ? model.EncodeChat(Messages(prompt)) : model.Tokenizer.Encode(prompt, addSpecialTokens: true);
}
