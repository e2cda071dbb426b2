namespace LowRank.Adapters;

/// <summary>A tensor that belongs into an adapter file, without its value: what is expected when one is loaded.</summary>
/// <param name="Name">Its dotted name in the adapted model, such as <c>model.layers.0.self_attn.q_proj.lora_A.weight</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Module">The name of the base model's module that it belongs to.</param>
/// <param name="Shape">Its shape.</param>
public sealed record AdapterTensorSpec(string Name, AdapterTensorKind Kind, string Module, long[] Shape)
{
    /// <summary>Its name in the file: <c>base_model.model.</c> and <see cref="Name"/>.</summary>
    public string Key => AdapterKeys.ToKey(Name);

    /// <summary>Whether a file without it is still whole. Copies of frozen weights are not needed, as the base has them.</summary>
    public bool IsOptional => Kind == AdapterTensorKind.BaseCopy;

    /// <summary>Whether training changes it.</summary>
    public bool IsTrained => Kind != AdapterTensorKind.BaseCopy;
}
