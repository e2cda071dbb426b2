using System.Globalization;
using LowRank.Training.Planning;

namespace LowRank.Training.Advice;

/// <summary>LoRA or QLoRA: what fits decides first, then the memory and the purpose as the lecture has it.</summary>
internal static class MethodAdvice
{
    private const long Ample = 24_000_000_000;
    private const long Scarce = 17_200_000_000; // "16 GB" cards have up to 16 GiB

    /// <summary>The method with its reason.</summary>
    /// <param name="memory">Bytes there are.</param>
    /// <param name="purpose">What the model is for.</param>
    /// <param name="lora">Bytes of the least that LoRA needs, checkpointing on.</param>
    /// <param name="qlora">The same for QLoRA.</param>
    public static AdvisedChoice Of(long memory, string purpose, long lora, long qlora)
    {
        var usable = (long)(memory * MemoryBudget.UsableShare);
        string Figures() => $"LoRA over the 16-bit base needs at least {MemorySize.Gigabytes(lora)}, QLoRA {MemorySize.Gigabytes(qlora)}, and {MemorySize.Gigabytes(usable)} may be used";
        if (lora > usable)
            return Qlora($"{Figures()}: {(qlora > usable ? "neither fits, QLoRA comes nearest" : "only QLoRA fits")}.{(purpose == "production" ? " For production merge the adapter into the 16-bit base afterwards: 4-bit inference is slower." : "")}",
                Sources.Both(Sources.Lecture(purpose == "production" ? ["C2", "E3"] : ["C2"]), Sources.Qlora));
        if (lora <= usable / 2)
            return Lora($"{Figures()}: with less than half of it taken, 4 bits would save what nobody needs and cost a little quality and speed.", Sources.Both(Sources.Lecture("C1", "Q4"), "the plan"));
        if (purpose == "production") return Lora($"{Figures()}: it fits, and production wants the best quality and the faster inference.", Sources.Lecture("C1", "E3"));
        if (memory >= Ample) return Lora($"{Figures()}: {MemorySize.Gigabytes(memory)} are ample.", Sources.Lecture("C1"));
        if (memory > Scarce) return Lora($"{Figures()}: between 16 and 24 GB the plan decides, and LoRA fits.", Sources.Both(Sources.Lecture("C1", "C2"), "the plan"));
        return Qlora(string.Create(CultureInfo.InvariantCulture, $"{Figures()}: both fit, but 16 GB or less and a {purpose} project speak for 4 bits; the adapter can be trained on over the 16-bit base later (train --adapter)."), Sources.Lecture("C2", "T1"));
    }

    private static AdvisedChoice Lora(string reason, string source) => new("method", "lora", reason, source);

    private static AdvisedChoice Qlora(string reason, string source) => new("method", "qlora", reason, source);
}
