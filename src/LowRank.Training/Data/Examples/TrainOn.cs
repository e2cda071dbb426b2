namespace LowRank.Training.Data;

/// <summary>Which tokens of a conversation the loss counts.</summary>
public enum TrainOn
{
    /// <summary>All assistant turns, each with the token that ends it. Turns with <c>"weight": 0</c> are left out.</summary>
    Assistant,

    /// <summary>The last assistant turn only, with the token that ends it.</summary>
    Last,

    /// <summary>Every token, those of the user and of the template included.</summary>
    All,
}
