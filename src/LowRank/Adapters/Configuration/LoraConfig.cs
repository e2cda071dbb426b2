namespace LowRank.Adapters;

/// <summary>
/// The settings of a LoRA adapter (PEFT's <c>LoraConfig</c>). An adapted layer computes y = W x + b + scaling · B A dropout(x) with A of [rank, in] and B of
/// [out, rank] (Hu et al., 2021, arXiv:2106.09685, section 4.1); with <see cref="UseDora"/> its weight's direction and magnitude are learned apart.
/// </summary>
public sealed record LoraConfig : AdapterConfig
{
    /// <inheritdoc/>
    public override AdapterKind Kind => AdapterKind.Lora;

    /// <summary>The rank r of the update (<c>r</c>). Default 8, from 1.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>The numerator of the scaling (<c>lora_alpha</c>). Default 8.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>The probability with which an element of the adapter's input is dropped in training (<c>lora_dropout</c>). Default 0, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>Whether the scaling is alpha / √rank (rank-stabilized LoRA, arXiv:2312.03732) instead of alpha / rank (<c>use_rslora</c>). Default false.</summary>
    public bool UseRslora { get; init; }

    /// <summary>
    /// Whether a weight's rows are W + scaling · B A scaled to lengths that are trained (weight-decomposed LoRA, arXiv:2402.09353; <c>use_dora</c>). Default false.
    /// Only on linear layers.
    /// </summary>
    public bool UseDora { get; init; }

    /// <summary>
    /// Other ranks for some modules (<c>rank_pattern</c>). A key is a regular expression of a whole name or of a dotted ending; the first
    /// that matches, in this order, counts. Default empty.
    /// </summary>
    public OrderedDictionary<string, int> RankPattern { get; init; } = [];

    /// <summary>Other alphas for some modules (<c>alpha_pattern</c>), with keys as in <see cref="RankPattern"/>. Default empty.</summary>
    public OrderedDictionary<string, double> AlphaPattern { get; init; } = [];

    /// <summary>Whether B has a bias of its own (<c>lora_bias</c>). Default false. Only with <see cref="Initialization"/> true or false, and not with DoRA.</summary>
    public bool LoraBias { get; init; }

    /// <summary>
    /// Rows of an embedding or head that are trained whole (<c>trainable_token_indices</c>): lists of tokens by the name of the module. Default null: none. A list
    /// without a name in the file is of the token embedding; a head that shares its weight follows it.
    /// </summary>
    public TrainableTokens? TrainableTokens { get; init; }

    /// <summary>
    /// Parameters to adapt beside <see cref="AdapterConfig.TargetModules"/> (<c>target_parameters</c>): whole names or endings after a dot, such as <c>gate_up_proj</c> and <c>down_proj</c> of a mixture of
    /// experts, whose experts each get a pair of matrices, and <c>gate.weight</c>, its router. Default null: none. Without dropout, DoRA and <see cref="LoraBias"/>, as in PEFT.
    /// </summary>
    public IReadOnlyList<string>? TargetParameters { get; init; }

    /// <summary>How the matrices start (<c>init_lora_weights</c>). Default Kaiming-uniform A and zero B.</summary>
    public LoraInitialization Initialization { get; init; }

    /// <summary>
    /// Iterations of a fast decomposition in place of the exact one with <see cref="LoraInitialization.Pissa"/> (<c>"pissa_niter_N"</c>); from 0, 16 is usual. Default null: exact.
    /// </summary>
    public int? PissaIterations { get; init; }

    /// <summary>The settings of <see cref="LoraInitialization.Eva"/> (<c>eva_config</c>). Default null: those of a new <see cref="EvaConfig"/> where they are needed.</summary>
    public EvaConfig? Eva { get; init; }

    /// <summary>Whether the matrices start from a part of the weight, which is subtracted again; what is saved is then a plain LoRA of twice the rank.</summary>
    internal bool StartsFromWeight => Initialization is LoraInitialization.Pissa or LoraInitialization.OLora;

    /// <summary>The factor of the update for a rank and alpha: alpha / rank, or alpha / √rank with <see cref="UseRslora"/>.</summary>
    /// <param name="rank">The rank of the module.</param>
    /// <param name="alpha">The alpha of the module.</param>
    public double Scaling(int rank, double alpha) => UseRslora ? alpha / Math.Sqrt(rank) : alpha / rank;

    internal override OrderedDictionary<string, int> Ranks => RankPattern;

    internal override OrderedDictionary<string, double> Alphas => AlphaPattern;

    internal override int RankOrZero => Rank;

    internal override double AlphaOrOne => Alpha;

    internal override double ScalingOf(int rank, double alpha) => Scaling(rank, alpha);

    /// <summary>Reads the configuration of a LoRA from a file or from the folder that holds it.</summary>
    /// <param name="path">An <c>adapter_config.json</c>, or a folder with one.</param>
    /// <exception cref="LoraConfigException">The file is missing, malformed, of another kind of adapter or asks for something that is not supported.</exception>
    public static new LoraConfig Load(string path) => OfLora(AdapterConfig.Load(path), path);

    /// <summary>Reads the configuration of a LoRA from the text of an <c>adapter_config.json</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="where">What to call the text in errors, such as its path.</param>
    /// <exception cref="LoraConfigException">The text is malformed, of another kind of adapter or asks for something that is not supported; all such fields are listed.</exception>
    public static new LoraConfig Parse(string json, string where = FileName) => OfLora(AdapterConfig.Parse(json, where), where);

    private static LoraConfig OfLora(AdapterConfig config, string where) =>
        config as LoraConfig ?? throw new LoraConfigException($"{where}: peft_type is {PeftFields.NameOf(config.Kind)}; here only LORA will do");
}
