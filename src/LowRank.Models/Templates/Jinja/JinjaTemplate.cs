using LowRank.Models.Templates.Jinja.Runtime;
using LowRank.Models.Templates.Jinja.Scoping;
using LowRank.Models.Templates.Jinja.Syntax;
using LowRank.Models.Templates.Jinja.Values;

namespace LowRank.Models.Templates.Jinja;

/// <summary>
/// A parsed template in the environment that transformers gives chat templates: Jinja 3.1's immutable sandbox with <c>trim_blocks</c>,
/// <c>lstrip_blocks</c>, loop controls and the <c>generation</c> tag. Parsed once, rendered any number of times, also from several threads.
/// </summary>
internal sealed class JinjaTemplate
{
    private readonly Statement[] _body;
    private readonly FunctionScope _function;
    private readonly FrameLoad[] _loads;

    /// <exception cref="ChatTemplateException">The source is no template.</exception>
    public JinjaTemplate(string source)
    {
        try
        {
            _body = Parser.Parse(source);
            (_function, _loads) = ScopeResolver.Resolve(_body);
        }
        catch (InsufficientExecutionStackException error)
        {
            throw new ChatTemplateException(ChatTemplateException.LimitExceeded, "it is nested too deeply", null, error);
        }
        HasGenerationTag = _body.SelectMany(s => s.Descend()).OfType<GenerationBlock>().Any();
    }

    public bool HasGenerationTag { get; }

    /// <exception cref="ChatTemplateException">The template fails or exceeds a limit.</exception>
    public TextBuilder Render(IReadOnlyDictionary<string, object?> variables, ChatTemplateLimits limits, TimeProvider clock, bool tracing)
    {
        var interpreter = new Interpreter(limits, variables, clock, tracing);
        try
        {
            var activation = new Activation(_function.SlotCount, null);
            FrameLoad.Enter(_loads, interpreter, activation);
            Statement.Run(_body, interpreter, activation);
            return interpreter.Output;
        }
        catch (ChatTemplateException error) when (error.Line is null && error.Kind != ChatTemplateException.RaisedByTemplate)
        {
            throw new ChatTemplateException(error.Kind, error.Detail, interpreter.Line, error);
        }
        catch (InsufficientExecutionStackException error)
        {
            throw new ChatTemplateException(ChatTemplateException.LimitExceeded, "its values are nested too deeply", interpreter.Line, error);
        }
    }
}
