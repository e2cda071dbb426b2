namespace LowRank.Models.Templates.Jinja.Runtime;

/// <summary>The errors that Python raises, by their names there.</summary>
internal static class Errors
{
    public static ChatTemplateException Type(string message) => new("TypeError", message);

    public static ChatTemplateException Value(string message) => new("ValueError", message);

    public static ChatTemplateException ZeroDivision(string message) => new("ZeroDivisionError", message);

    public static ChatTemplateException Overflow(string message) => new("OverflowError", message);

    public static ChatTemplateException Index(string message) => new("IndexError", message);

    public static ChatTemplateException Key(string message) => new("KeyError", message);

    public static ChatTemplateException Security(string message) => new("SecurityError", message);

    public static ChatTemplateException Runtime(string message) => new("TemplateRuntimeError", message);

    public static ChatTemplateException FilterArgument(string message) => new("FilterArgumentError", message);

    public static ChatTemplateException Limit(string message) => new(ChatTemplateException.LimitExceeded, message);

    /// <summary>Jinja has it, this interpreter refuses it.</summary>
    public static ChatTemplateException Unsupported(string what, string why) => new("NotSupported", $"{what} is not supported here: {why}");
}
