using System.Text.Json;
using LowRank.Adapters;
using LowRank.Training.Tests.Fuzzing.Mutation;

namespace LowRank.Training.Tests.Fuzzing.Formats;

/// <summary>lowrank.json beside an adapter. Past the header when it is a JSON object.</summary>
internal sealed class AdapterRecordFuzz() : FuzzFormat("adapter-record")
{
    private static readonly JsonElement sound = JsonElement.Parse("""{"format":1,"base":{"shapes":"ab12","weights":"cd34"},"run":{"rank":8,"losses":[1.5,1.25]},"quantization":{"quant_type":"nf4","blocksize":64,"double_quant":true,"skip_modules":["lm_head"]}}""");

    public override byte[] Make(FuzzRandom random) => JsonMutator.Damaged(sound, random);

    public override void Read(FuzzInput input)
    {
        if (SoundFiles.IsObject(input.Bytes)) input.PassHeader();
        input.Write(AdapterRecord.FileName);
        AdapterRecord.Load(input.Folder);
    }
}
