using System.Runtime.CompilerServices;
using LowRank.Models.Templates.Jinja.Runtime;

namespace LowRank.Models.Templates.Jinja.Python;

/// <summary>
/// Counts how deep a walk through nested values is. Python stops at 1,000 levels; the stack of a .NET thread may reach further or less far, depending on the thread and
/// on how well the code is compiled by then, so that alone would make an error a matter of chance.
/// </summary>
internal static class Nesting
{
    private const int Most = 1000;
    [ThreadStatic] private static int depth;

    /// <summary>Enters a level; disposing the result leaves it.</summary>
    /// <exception cref="ChatTemplateException">The values are nested too deep.</exception>
    public static Level Enter()
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (depth >= Most) throw Errors.Limit($"it walks through values nested more than {Most} levels deep");
        depth++;
        return default;
    }

    /// <summary>A level of the walk.</summary>
    public readonly struct Level : IDisposable
    {
        /// <summary>Leaves it.</summary>
        public void Dispose() => depth--;
    }
}
