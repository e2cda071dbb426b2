using LowRank.Models.Decoder;

namespace LowRank.Models.Families;

/// <summary>A family of models: how its <c>config.json</c> maps to a <see cref="DecoderSpec"/>. One small file each, named as its <c>model_type</c>.</summary>
public interface IModelFamily
{
    /// <summary>The <c>model_type</c> of its configurations.</summary>
    string ModelType { get; }

    /// <summary>Reads a configuration of this family.</summary>
    /// <exception cref="ModelConfigException">A key is missing, has a wrong type, or asks for what is not supported.</exception>
    DecoderSpec Read(ModelConfig config);
}
