namespace LowRank.Models.Generation;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model gave one of <see cref="LanguageModel.EndTokens"/>.</summary>
    EndToken,

    /// <summary>One of <see cref="GenerationOptions.StopTexts"/> came up.</summary>
    StopText,

    /// <summary>There are as many tokens as were asked for.</summary>
    Length,

    /// <summary>Prompt and answer fill the model's context.</summary>
    ContextFull,
}
