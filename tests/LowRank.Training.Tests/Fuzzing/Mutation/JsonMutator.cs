using System.Text;
using System.Text.Json;

namespace LowRank.Training.Tests.Fuzzing.Mutation;

/// <summary>Damages JSON in its structure, so that most results still are JSON: values of other kinds and at the ends of their ranges, keys lost, twice or renamed, lists longer and shorter, nesting.</summary>
internal static class JsonMutator
{
    /// <summary>Damages a value in place, up to three times.</summary>
    public static void Damage(JsonSketch root, FuzzRandom random)
    {
        for (var n = random.Below(4); n > 0; n--) Once(root, random);
    }

    /// <summary>A damaged text of a sound value; once in eight times its bytes are damaged, too.</summary>
    public static byte[] Damaged(JsonElement sound, FuzzRandom random)
    {
        var sketch = JsonSketch.Of(sound);
        Damage(sketch, random);
        var bytes = Encoding.UTF8.GetBytes(sketch.Write());
        return random.OneIn(8) ? ByteMutator.Damage(bytes, random) : bytes;
    }

    private static void Once(JsonSketch root, FuzzRandom random)
    {
        var all = root.All();
        var value = random.Pick(all);
        switch (random.Below(10))
        {
            case 0 or 1: value.Become(JsonSketch.Scalar(random.Pick(Edges.Json))); break;
            case 2 when value.Raw is { } raw: value.Raw = Tweaked(raw, random); break;
            case 2 or 3: value.Become(random.Pick(all).Copy()); break;
            case 4: Nest(value, random); break;
            case 5 when value.Raw is { } raw: value.Raw = Tweaked(raw, random); break;
            default:
                // Keys and elements: damages of an object or list, or of the one around.
                var holder = value.Raw is null ? value : random.Pick(all.FindAll(v => v.Raw is null) is { Count: > 0 } holders ? holders : all);
                if (holder.Members is { Count: > 0 } members) OfMembers(members, all, random);
                else if (holder.Items is { Count: > 0 } items) OfItems(items, random);
                break;
        }
    }

    private static void OfMembers(List<(string Key, JsonSketch Value)> members, List<JsonSketch> all, FuzzRandom random)
    {
        var at = random.Below(members.Count);
        switch (random.Below(5))
        {
            case 0 or 1: members.RemoveAt(at); break;
            case 2: members.Insert(random.Below(members.Count + 1), (members[at].Key, random.OneIn(2) ? members[at].Value.Copy() : JsonSketch.Scalar(random.Pick(Edges.Json)))); break;
            case 3:
                var named = all.FindAll(v => v.Members is { Count: > 0 });
                members[at] = (random.OneIn(3) ? random.Pick(Edges.Texts) : random.Pick(random.Pick(named).Members!).Key, members[at].Value);
                break;
            default:
                var other = random.Below(members.Count);
                (members[at], members[other]) = ((members[at].Key, members[other].Value), (members[other].Key, members[at].Value));
                break;
        }
    }

    private static void OfItems(List<JsonSketch> items, FuzzRandom random)
    {
        var at = random.Below(items.Count);
        switch (random.Below(4))
        {
            case 0: items.RemoveAt(at); break;
            case 1: items.Insert(at, items[at].Copy()); break;
            case 2:
                // Now and then very many.
                var count = random.OneIn(20) ? 200 : random.Between(2, 20);
                if (items[at].All().Count * count < 20000)
                    for (var i = 0; i < count; i++) items.Add(items[at].Copy());
                break;
            default:
                var other = random.Below(items.Count);
                (items[at], items[other]) = (items[other], items[at]);
                break;
        }
    }

    private static void Nest(JsonSketch value, FuzzRandom random)
    {
        if (random.OneIn(40))
        {
            // Far beyond what any parser allows, as a spelling: the sketch itself goes down by recursion.
            value.Become(JsonSketch.Scalar(new string('[', 20000) + new string(']', 20000)));
            return;
        }
        // Around the depth that parsers allow.
        var depth = random.OneIn(4) ? random.Between(55, 70) : random.Between(1, 4);
        var inner = value.Copy();
        for (var i = 0; i < depth; i++) inner = random.OneIn(2) ? JsonSketch.List(inner) : JsonSketch.Object(("\"a\"", inner));
        value.Become(inner);
    }

    private static string Tweaked(string raw, FuzzRandom random)
    {
        if (!raw.StartsWith('"'))
        {
            return random.Below(6) switch
            {
                0 => $"-{raw.TrimStart('-')}",
                1 => raw + random.Below(10),
                2 => raw + ".5",
                3 => $"\"{raw}\"",
                4 => raw.Length > 1 ? raw[..^1] : "0",
                _ => random.Pick(Edges.Numbers),
            };
        }
        var text = raw[1..^1];
        var at = random.Below(text.Length + 1);
        // An escape must not be cut in two, or the damage would be one of the syntax.
        if (text.Contains('\\')) at = random.OneIn(2) ? 0 : text.Length;
        var inserted = random.Pick(Edges.Texts)[1..^1];
        return random.Below(5) switch
        {
            0 => $"\"{text[..at]}{inserted}{text[at..]}\"",
            1 => $"\"{text[..at]}\"",
            2 => $"\"{text}{text}\"",
            3 when text.Length is > 0 and < 20 => $"\"{string.Concat(Enumerable.Repeat(text, 300))}\"",
            _ => random.Pick(Edges.Texts),
        };
    }
}
