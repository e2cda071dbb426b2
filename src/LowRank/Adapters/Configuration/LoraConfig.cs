using System.Text.Json.Nodes;

namespace LowRank.Adapters;

/// <summary>
/// The settings of a LoRA adapter, with the fields and meanings of PEFT 0.21's <c>LoraConfig</c>; its file is <c>adapter_config.json</c>.
/// An adapted layer computes y = W x + b + scaling · B A dropout(x) with A of [rank, in] and B of [out, rank] (Hu et al., 2021,
/// arXiv:2106.09685, section 4.1). Immutable; change one with <c>with</c>.
/// </summary>
/// <remarks>
/// Fields of PEFT that have an effect LowRank does not support are refused by name when they are set (<see cref="Parse"/> lists all of
/// them); unknown fields at their default are kept and written back by <see cref="ToJson"/>.
/// </remarks>
public sealed record LoraConfig
{
    /// <summary>The name of the file in an adapter folder.</summary>
    public const string FileName = "adapter_config.json";

    /// <summary>The rank r of the update (<c>r</c>). Default 8, from 1.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The numerator of the scaling (<c>lora_alpha</c>). Default 8.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>The probability with which an element of the adapter's input is dropped in training (<c>lora_dropout</c>). Default 0, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>Whether the scaling is alpha / √rank (rank-stabilized LoRA, arXiv:2312.03732) instead of alpha / rank (<c>use_rslora</c>). Default false.</summary>
    public bool UseRslora { get; init; }

    /// <summary>
    /// Other ranks for some modules (<c>rank_pattern</c>). A key is a regular expression of a whole name or of a dotted ending; the first
    /// that matches, in this order, counts. Default empty.
    /// </summary>
    public OrderedDictionary<string, int> RankPattern { get; init; } = [];

    /// <summary>Other alphas for some modules (<c>alpha_pattern</c>), with keys as in <see cref="RankPattern"/>. Default empty.</summary>
    public OrderedDictionary<string, double> AlphaPattern { get; init; } = [];

    /// <summary>The modules to adapt (<c>target_modules</c>). Default null: PEFT's targets of the model's family (<see cref="FamilyTargetModules"/>).</summary>
    public ModulePattern? TargetModules { get; init; }

    /// <summary>Modules to leave out of <see cref="TargetModules"/> (<c>exclude_modules</c>). Default null: none.</summary>
    public ModulePattern? ExcludeModules { get; init; }

    /// <summary>
    /// The layers to adapt, counted from 0 (<c>layers_to_transform</c>). Default null: all. Only where <see cref="TargetModules"/> is a
    /// list; an entry that is a module's whole name is adapted in any case.
    /// </summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>The name of the list of layers whose index counts (<c>layers_pattern</c>), such as <c>layers</c> or <c>h</c>. Default null: the first number in a name.</summary>
    public IReadOnlyList<string>? LayersPattern { get; init; }

    /// <summary>Which biases of the base are trained too (<c>bias</c>). Default none.</summary>
    public BiasTraining Bias { get; init; }

    /// <summary>Whether B has a bias of its own (<c>lora_bias</c>). Default false. Only with <see cref="Initialization"/> true or false.</summary>
    public bool LoraBias { get; init; }

    /// <summary>
    /// Modules that are trained whole and stored in the adapter (<c>modules_to_save</c>). Default null: none. An entry takes every module
    /// whose name ends in it, without regard to dots: <c>norm</c> takes <c>input_layernorm</c> too, as in PEFT.
    /// </summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary>Whether a head that shares the embedding's weight shares what is trained of it too (<c>ensure_weight_tying</c>). Default false.</summary>
    public bool EnsureWeightTying { get; init; }

    /// <summary>Whether the adapted weights are stored as [in, out] (<c>fan_in_fan_out</c>), as GPT-2's <c>Conv1D</c> are. Default false.</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>How the matrices start (<c>init_lora_weights</c>). Default Kaiming-uniform A and zero B.</summary>
    public LoraInitialization Initialization { get; init; }

    /// <summary>The base model's id or folder (<c>base_model_name_or_path</c>). Default null.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The kind of model (<c>task_type</c>). Default <c>CAUSAL_LM</c>.</summary>
    public string? TaskType { get; init; } = "CAUSAL_LM";

    /// <summary>The document that this configuration was read from, for the fields that have no property; null for a new one.</summary>
    internal JsonObject? Source { get; init; }

    /// <summary>The factor of the update for a rank and alpha: alpha / rank, or alpha / √rank with <see cref="UseRslora"/>.</summary>
    /// <param name="rank">The rank of the module.</param>
    /// <param name="alpha">The alpha of the module.</param>
    public double Scaling(int rank, double alpha) => UseRslora ? alpha / Math.Sqrt(rank) : alpha / rank;

    /// <summary>Reads a configuration from a file or from the folder that holds it.</summary>
    /// <param name="path">An <c>adapter_config.json</c>, or a folder with one.</param>
    /// <exception cref="LoraConfigException">The file is missing, malformed or asks for something that is not supported.</exception>
    public static LoraConfig Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, FileName) : path;
        if (!File.Exists(file)) throw new LoraConfigException($"{file} does not exist: a LoRA adapter folder holds {FileName} and adapter_model.safetensors.");
        return Parse(File.ReadAllText(file), file);
    }

    /// <summary>Reads a configuration from the text of an <c>adapter_config.json</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="where">What to call the text in errors, such as its path.</param>
    /// <exception cref="LoraConfigException">The text is malformed or asks for something that is not supported; all such fields are listed.</exception>
    public static LoraConfig Parse(string json, string where = FileName) => LoraConfigReader.Read(json, where);

    /// <summary>
    /// The text of <c>adapter_config.json</c> as PEFT 0.21 writes it: sorted keys, two spaces, ASCII. Patterns keep their order, because
    /// their first match counts. A field that was read and not changed is written as it was read.
    /// </summary>
    /// <exception cref="LoraConfigException"><see cref="TargetModules"/> is a preset, which means something only together with a model.</exception>
    public string ToJson() => LoraConfigWriter.Write(this);

    /// <summary>Checks every setting on its own and with the others; what a model says to it is checked by <see cref="TargetMatcher.Select"/>.</summary>
    /// <exception cref="LoraConfigException">Some settings are out of range or contradict each other; all are listed.</exception>
    public void Validate() => LoraConfigValidation.ThrowOnProblems(this, nameof(LoraConfig));
}
