namespace LowRank.Models.Templates;

/// <summary>What a chat template is rendered with besides the messages.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>
    /// The tools that the model may call, as JSON schemas: a sequence of dictionaries or a <see cref="System.Text.Json.JsonElement"/>.
    /// Default null, which templates see as <c>none</c>.
    /// </summary>
    public object? Tools { get; init; }

    /// <summary>Ends the text where the assistant's answer is to begin. Default false.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>
    /// Ends the text behind the last message's content, without its end-of-turn token, so that a model goes on with it.
    /// Default false; not together with <see cref="AddGenerationPrompt"/>.
    /// </summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>Further variables by name, such as <c>enable_thinking</c> or <c>documents</c>. They replace special tokens of the same name.</summary>
    public IReadOnlyDictionary<string, object?>? ExtraVariables { get; init; }

    /// <summary>The clock of <c>strftime_now</c>. Default the system's local time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>What the template may use. Default <see cref="ChatTemplateLimits.Default"/>.</summary>
    public ChatTemplateLimits Limits { get; init; } = ChatTemplateLimits.Default;
}
