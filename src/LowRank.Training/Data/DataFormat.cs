namespace LowRank.Training.Data;

/// <summary>The shape of the rows of a data file.</summary>
public enum DataFormat
{
    /// <summary>OpenAI's chat rows: <c>messages</c>, a list of <c>role</c> and <c>content</c>; optional <c>tools</c>, <c>tool_calls</c>, <c>weight</c>.</summary>
    Messages,

    /// <summary><c>instruction</c>, <c>input</c>, <c>output</c>; optional <c>system</c> and <c>history</c>, as LLaMA-Factory reads them.</summary>
    Alpaca,

    /// <summary><c>conversations</c>, a list of <c>from</c> and <c>value</c>; optional <c>system</c> and <c>tools</c>.</summary>
    ShareGpt,

    /// <summary><c>prompt</c> and <c>completion</c>, texts or lists of messages (also <c>question</c> and <c>answer</c>).</summary>
    PromptCompletion,

    /// <summary><c>text</c>, or a plain text file: every token is learned.</summary>
    Text,

    /// <summary><c>input_ids</c>, optional <c>labels</c> and <c>attention_mask</c>.</summary>
    Pretokenized,

    /// <summary>
    /// <c>chosen</c> and <c>rejected</c>, with <c>prompt</c>, <c>conversations</c> or an Alpaca <c>instruction</c> before them, or whole conversations that begin
    /// alike. For objectives that compare two answers (DPO and the like).
    /// </summary>
    Preference,

    /// <summary>Rows of the other kinds with a boolean <c>label</c> that says whether the answer is a good one (KTO).</summary>
    Kto,

    /// <summary>A question with its <c>choices</c> (or <c>endings</c>) and which of them is right: learned as a prompt with the right choice, and evaluated by the likelihood of each.</summary>
    MultipleChoice,
}
