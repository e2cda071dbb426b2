namespace LowRank.Adapters;

/// <summary>
/// What the settings of all kinds of adapters have in common, with the fields and meanings of PEFT 0.21; the file is <c>adapter_config.json</c>. Each kind is one
/// record that derives from this. Immutable; change one with <c>with</c>.
/// </summary>
/// <remarks>
/// Fields of PEFT that have an effect LowRank does not support are refused by name when they are set (<see cref="Parse"/> lists all of
/// them); unknown fields at their default are kept and written back by <see cref="ToJson"/>.
/// </remarks>
public abstract record AdapterConfig
{
    /// <summary>The name of the file in an adapter folder.</summary>
    public const string FileName = "adapter_config.json";

    private protected AdapterConfig()
    {
    }

    /// <summary>The kind of adapter (<c>peft_type</c>).</summary>
    public abstract AdapterKind Kind { get; }

    /// <summary>The modules to adapt (<c>target_modules</c>). Default null: PEFT's targets of the model's family (<see cref="FamilyTargetModules"/>).</summary>
    public ModulePattern? TargetModules { get; init; }

    /// <summary>Modules to leave out of <see cref="TargetModules"/> (<c>exclude_modules</c>). Default null: none.</summary>
    public ModulePattern? ExcludeModules { get; init; }

    /// <summary>
    /// The layers to adapt, counted from 0 (<c>layers_to_transform</c>). Default null: all. Only where <see cref="TargetModules"/> is a
    /// list; an entry that is a module's whole name is adapted in any case. IA3 has no such field.
    /// </summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>The name of the list of layers whose index counts (<c>layers_pattern</c>), such as <c>layers</c> or <c>h</c>. Default null: the first number in a name.</summary>
    public IReadOnlyList<string>? LayersPattern { get; init; }

    /// <summary>Which biases of the base are trained too (<c>bias</c>). Default none. IA3 has no such field.</summary>
    public BiasTraining Bias { get; init; }

    /// <summary>
    /// Modules that are trained whole and stored in the adapter (<c>modules_to_save</c>). Default null: none. An entry takes every module
    /// whose name ends in it, without regard to dots: <c>norm</c> takes <c>input_layernorm</c> too, as in PEFT.
    /// </summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary>Whether a head that shares the embedding's weight shares what is trained of it too (<c>ensure_weight_tying</c>). Default false. LoRA alone has this field.</summary>
    public bool EnsureWeightTying { get; init; }

    /// <summary>Whether the adapted weights are stored as [in, out] (<c>fan_in_fan_out</c>), as GPT-2's <c>Conv1D</c> are. Default false. MiSS has no such field.</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>The base model's id or folder (<c>base_model_name_or_path</c>). Default null.</summary>
    public string? BaseModel { get; init; }

    /// <summary>The kind of model (<c>task_type</c>). Default <c>CAUSAL_LM</c>.</summary>
    public string? TaskType { get; init; } = "CAUSAL_LM";

    /// <summary>The document that this configuration was read from, for the fields that have no property; null for a new one.</summary>
    internal System.Text.Json.Nodes.JsonObject? Source { get; init; }

    /// <summary>Other ranks for some modules, by patterns of names.</summary>
    internal virtual OrderedDictionary<string, int> Ranks => [];

    /// <summary>Other alphas for some modules, by patterns of names.</summary>
    internal virtual OrderedDictionary<string, double> Alphas => [];

    /// <summary>The rank where no pattern says another; 0 for a kind without ranks.</summary>
    internal virtual int RankOrZero => 0;

    /// <summary>The alpha where no pattern says another.</summary>
    internal virtual double AlphaOrOne => 1;

    /// <summary>The factor of the update of a module of this rank and alpha.</summary>
    internal virtual double ScalingOf(int rank, double alpha) => 1;

    /// <summary>Reads a configuration from a file or from the folder that holds it.</summary>
    /// <param name="path">An <c>adapter_config.json</c>, or a folder with one.</param>
    /// <exception cref="LoraConfigException">The file is missing, malformed or asks for something that is not supported.</exception>
    public static AdapterConfig Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, FileName) : path;
        if (!File.Exists(file)) throw new LoraConfigException($"{file} does not exist: an adapter folder holds {FileName} and adapter_model.safetensors.");
        return Parse(File.ReadAllText(file), file);
    }

    /// <summary>Reads a configuration from the text of an <c>adapter_config.json</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="where">What to call the text in errors, such as its path.</param>
    /// <exception cref="LoraConfigException">The text is malformed or asks for something that is not supported; all such fields are listed.</exception>
    public static AdapterConfig Parse(string json, string where = FileName) => AdapterConfigReader.Read(json, where);

    /// <summary>
    /// The text of <c>adapter_config.json</c> as PEFT 0.21 writes it: sorted keys, two spaces, ASCII. Patterns keep their order, because
    /// their first match counts. A field that was read and not changed is written as it was read.
    /// </summary>
    /// <exception cref="LoraConfigException"><see cref="TargetModules"/> is a preset, which means something only together with a model.</exception>
    public string ToJson() => AdapterConfigWriter.Write(this);

    /// <summary>Checks every setting on its own and with the others; what a model says to it is checked by <see cref="TargetMatcher.Select"/>.</summary>
    /// <exception cref="LoraConfigException">Some settings are out of range or contradict each other; all are listed.</exception>
    public void Validate() => AdapterConfigValidation.ThrowOnProblems(this, GetType().Name);
}
