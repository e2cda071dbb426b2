using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace LowRank.Training.Settings;

/// <summary>
/// Loads a YAML file, whose nodes are made by recursion and compared by their content: nesting without an end would end the process, and aliases of aliases stand for more nodes than there is
/// time for. Both are refused from the events, before any node is made.
/// </summary>
internal static class YamlFile
{
    /// <summary>Levels of mappings and lists.</summary>
    private const int Deepest = 64;

    /// <summary>Nodes with every alias counted as what it stands for.</summary>
    private const long MostNodes = 100_000;

    /// <summary>The documents of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="wanted">What it is not, for the message: <c>not YAML</c>.</param>
    /// <exception cref="LowRankException">It cannot be read, is no YAML, or is nested too deeply.</exception>
    public static IList<YamlDocument> Load(string path, string wanted)
    {
        try
        {
            var text = File.ReadAllText(path);
            var parser = new Parser(new StringReader(text));
            try
            {
                RequireSmall(parser);
            }
            catch (InvalidOperationException error)
            {
                // What YamlDotNet's parser throws for "{a: b: c", for one, instead of an error with a place.
                var at = parser.Current?.End ?? Mark.Empty;
                throw new YamlException(at, at, "what follows is not understood; brackets and colons may not match", error);
            }
            var yaml = new YamlStream();
            yaml.Load(new StringReader(text));
            return yaml.Documents;
        }
        catch (YamlException error)
        {
            throw new LowRankException($"{path}:{error.Start.Line}:{error.Start.Column}: {wanted}: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LowRankException($"{path}: cannot be read: {error.Message}", error);
        }
    }

    private static void RequireSmall(Parser parser)
    {
        var open = new Stack<(AnchorName Anchor, long Nodes)>([(AnchorName.Empty, 0)]);
        var sizes = new Dictionary<AnchorName, long>();
        while (parser.MoveNext())
        {
            switch (parser.Current)
            {
                case DocumentStart: sizes.Clear(); break;
                case MappingStart or SequenceStart:
                    if (open.Count > Deepest) throw new YamlException(parser.Current.Start, parser.Current.End, $"it is nested more than {Deepest} levels deep");
                    open.Push((((NodeEvent)parser.Current).Anchor, 1));
                    break;
                case MappingEnd or SequenceEnd:
                    var (anchor, nodes) = open.Pop();
                    Add(parser.Current, anchor, nodes);
                    break;
                case Scalar scalar: Add(scalar, scalar.Anchor, 1); break;
                case AnchorAlias alias:
                    if (open.Any(o => o.Anchor == alias.Value)) throw new YamlException(alias.Start, alias.End, $"the alias *{alias.Value} stands inside of what it stands for");
                    Add(alias, AnchorName.Empty, sizes.GetValueOrDefault(alias.Value, 1));
                    break;
                default: break;
            }
        }

        void Add(ParsingEvent at, AnchorName anchor, long nodes)
        {
            var (outer, before) = open.Pop();
            if (before + nodes > MostNodes) throw new YamlException(at.Start, at.End, $"its aliases stand for more than {MostNodes} values");
            open.Push((outer, before + nodes));
            if (!anchor.IsEmpty) sizes[anchor] = nodes;
        }
    }
}
