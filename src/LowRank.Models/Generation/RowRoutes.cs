using LowRank.Adapters.Many;

namespace LowRank.Models.Generation;

/// <summary>Chooses the adapter of each row while batches of prompts are generated, as rows come and end; disposing it chooses again what was chosen before.</summary>
internal sealed class RowRoutes : IDisposable
{
    private readonly AdapterCollection held;
    private readonly IReadOnlyList<string?> adapters;
    private readonly AdapterRoute before;
    private string?[] rows = [];

    /// <param name="model">The model, which holds the adapters.</param>
    /// <param name="adapters">The adapter of each prompt; null for the base alone.</param>
    /// <param name="prompts">How many prompts there are.</param>
    /// <exception cref="ArgumentException">The model holds no adapters, one of these is not among them, or there are not as many as prompts.</exception>
    public RowRoutes(LanguageModel model, IReadOnlyList<string?> adapters, int prompts)
    {
        held = model.Adapters ?? throw new ArgumentException($"{model.Id} holds no adapters by name, so that rows cannot have their own: call HoldAdapters, and add them.", nameof(model));
        if (adapters.Count != prompts) throw new ArgumentException($"There are {prompts} prompts and {adapters.Count} adapters; give one for each prompt, or null for the base.", nameof(adapters));
        this.adapters = adapters;
        before = held.Chosen;
        // Told before the first batch, whichever has it.
        held.UseRows(adapters);
    }

    /// <summary>A batch of these prompts begins.</summary>
    public void Begin(int[] prompts) => Choose(Array.ConvertAll(prompts, i => adapters[i]));

    /// <summary>Of the batch's rows these go on.</summary>
    public void Keep(int[] kept) => Choose(Array.ConvertAll(kept, i => rows[i]));

    private void Choose(string?[] now) => held.UseRows(rows = now);

    /// <inheritdoc/>
    public void Dispose() => held.Chosen = before;
}
