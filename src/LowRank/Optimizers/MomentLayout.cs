using LowRank.Formats;
using LowRank.Kernels.Cpu;

namespace LowRank.Optimizers;

/// <summary>
/// Where the moments of each parameter lie, and in which pieces the update goes over them. fp32 moments have the layout of the flat buffer. With 8-bit ones every tensor
/// of at least 4096 elements has blocks of its own, so that no scale spans two tensors, and the small ones have fp32 moments packed one after another.
/// </summary>
internal sealed class MomentLayout
{
    /// <summary>Elements that share a scale.</summary>
    public const int BlockSize = DynamicBlocks.BlockSize;

    /// <summary>The least elements of a tensor with 8-bit moments: bitsandbytes' <c>min_8bit_size</c>.</summary>
    public const int LeastQuantized = 4096;

    // A piece fits the second-level cache; a window is what a paged state moves at once.
    private const int RangeElements = 1 << 16;
    private const long WindowElements = 4 << 20;
    // Buffers begin at multiples of this, so that none shares a page with another, whatever the system's page size.
    private const long Alignment = 1 << 16;

    private readonly List<UpdateRange> ranges = [];

    public MomentLayout(OptimizerKind kind, FlatParameters parameters, IReadOnlyList<ParameterGroup> groups)
    {
        var groupOf = GroupOf(parameters, groups);
        long quantized = 0, plain = 0;
        if (kind == OptimizerKind.AdamW8Bit)
        {
            for (var i = 0; i < groupOf.Length; i++)
            {
                var count = parameters.Parameters[i].Count;
                var isQuantized = count >= LeastQuantized;
                Add(parameters.Offsets[i], count, groupOf[i], isQuantized ? quantized : plain, isQuantized);
                if (isQuantized) quantized += (count + BlockSize - 1) / BlockSize * BlockSize;
                else plain += (count + 15) / 16 * 16;
            }
        }
        else
        {
            // Neighbours of one group are one run, the gaps between them included: those stay zero.
            for (int i = 0, next; i < groupOf.Length; i = next)
            {
                for (next = i + 1; next < groupOf.Length && groupOf[next] == groupOf[i];) next++;
                var end = next < groupOf.Length ? parameters.Offsets[next] : parameters.Length;
                Add(parameters.Offsets[i], end - parameters.Offsets[i], groupOf[i], parameters.Offsets[i], isQuantized: false);
            }
            plain = parameters.Length;
        }
        long at = 0;
        StateBuffer? Buffer(string name, TensorType type, long elements)
        {
            if (elements == 0) return null;
            var buffer = new StateBuffer(name, type, elements, at);
            at = (at + buffer.Bytes + Alignment - 1) / Alignment * Alignment;
            return buffer;
        }
        Codes1 = Buffer("state1", TensorType.U8, quantized);
        Codes2 = Buffer("state2", TensorType.U8, quantized);
        Scales1 = Buffer("absmax1", TensorType.F32, quantized / BlockSize);
        Scales2 = Buffer("absmax2", TensorType.F32, quantized / BlockSize);
        First = Buffer("first_moment", TensorType.F32, plain);
        Second = Buffer("second_moment", TensorType.F32, plain);
        Bytes = at;
        Buffers = [.. new[] { Codes1, Codes2, Scales1, Scales2, First, Second }.OfType<StateBuffer>()];
        Windows = [.. CutWindows()];
    }

    /// <summary>The buffers that there are, in the order of their places.</summary>
    public IReadOnlyList<StateBuffer> Buffers { get; }

    /// <summary>Codes of the first moments (signed map).</summary>
    public StateBuffer? Codes1 { get; }

    /// <summary>Codes of the second moments (unsigned map).</summary>
    public StateBuffer? Codes2 { get; }

    /// <summary>Scales of the first moments' blocks.</summary>
    public StateBuffer? Scales1 { get; }

    /// <summary>Scales of the second moments' blocks.</summary>
    public StateBuffer? Scales2 { get; }

    /// <summary>fp32 first moments.</summary>
    public StateBuffer? First { get; }

    /// <summary>fp32 second moments.</summary>
    public StateBuffer? Second { get; }

    /// <summary>Bytes of all buffers, gaps included.</summary>
    public long Bytes { get; }

    /// <summary>The pieces of work, in order.</summary>
    public IReadOnlyList<UpdateRange> Ranges => ranges;

    /// <summary>The ranges in groups of neighbours, each with the places of its moments.</summary>
    public IReadOnlyList<StateWindow> Windows { get; }

    /// <summary>Stretches of one group, as long as they are: the ranges of fp32 moments put together again.</summary>
    public IEnumerable<(long Start, long Length, int Group)> Runs()
    {
        for (int begin = 0, end; begin < ranges.Count; begin = end)
        {
            for (end = begin + 1; end < ranges.Count && ranges[end].Group == ranges[begin].Group;) end++;
            yield return (ranges[begin].Start, ranges[end - 1].Start + ranges[end - 1].Count - ranges[begin].Start, ranges[begin].Group);
        }
    }

    private static int[] GroupOf(FlatParameters parameters, IReadOnlyList<ParameterGroup> groups)
    {
        var groupOf = new int[parameters.Parameters.Count];
        Array.Fill(groupOf, -1);
        for (var g = 0; g < groups.Count; g++)
            foreach (var i in groups[g].Parameters)
                groupOf[i] = groupOf[i] < 0 ? g : throw new ArgumentException($"{parameters.Parameters[i].Name} is in the groups {groups[groupOf[i]].Name} and {groups[g].Name}.", nameof(groups));
        var without = Array.IndexOf(groupOf, -1);
        return without < 0 ? groupOf : throw new ArgumentException($"{parameters.Parameters[without].Name} is in no group.", nameof(groups));
    }

    private void Add(long start, long count, int group, long first, bool isQuantized)
    {
        for (long done = 0; done < count; done += RangeElements)
            ranges.Add(new UpdateRange(start + done, (int)Math.Min(RangeElements, count - done), group, first + done, isQuantized));
    }

    private IEnumerable<StateWindow> CutWindows()
    {
        for (int begin = 0, end; begin < ranges.Count; begin = end)
        {
            long elements = 0;
            for (end = begin; end < ranges.Count && elements < WindowElements; end++) elements += ranges[end].Count;
            var segments = new List<StateSegment>();
            foreach (var isQuantized in new[] { true, false })
            {
                var own = ranges.GetRange(begin, end - begin).FindAll(r => r.IsQuantized == isQuantized);
                if (own.Count == 0) continue;
                var (from, to) = (own[0].First, own[^1].First + own[^1].Count);
                foreach (var buffer in isQuantized ? [Codes1!, Codes2!, Scales1!, Scales2!] : new[] { First!, Second! })
                {
                    var perBlock = buffer == Scales1 || buffer == Scales2 ? BlockSize : 1;
                    var size = buffer.Type.ElementSize();
                    segments.Add(new StateSegment(buffer.Offset + from / perBlock * size, ((to + perBlock - 1) / perBlock - from / perBlock) * size));
                }
            }
            yield return new StateWindow(begin, end, segments);
        }
    }
}
