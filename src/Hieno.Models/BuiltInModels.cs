using Hieno.Models.Albert;
using Hieno.Models.Bert;
using Hieno.Models.Bloom;
using Hieno.Models.Cohere;
using Hieno.Models.Cohere2;
using Hieno.Models.DebertaV2;
using Hieno.Models.DistilBert;
using Hieno.Models.Electra;
using Hieno.Models.Falcon;
using Hieno.Models.Gemma;
using Hieno.Models.Gemma2;
using Hieno.Models.Gemma3;
using Hieno.Models.Gpt2;
using Hieno.Models.GptJ;
using Hieno.Models.GptNeo;
using Hieno.Models.GptNeoX;
using Hieno.Models.Granite;
using Hieno.Models.Llama;
using Hieno.Models.ModernBert;
using Hieno.Models.MPNet;
using Hieno.Models.Mixtral;
using Hieno.Models.Olmo;
using Hieno.Models.Olmo2;
using Hieno.Models.Opt;
using Hieno.Models.Phi;
using Hieno.Models.Phi3;
using Hieno.Models.Qwen2Moe;
using Hieno.Models.Qwen3;
using Hieno.Models.Qwen3Moe;
using Hieno.Models.Roberta;
using Hieno.Models.SmolLM3;
using Hieno.Models.StableLM;
using Hieno.Models.Starcoder2;
using Hieno.Models.XlmRoberta;

namespace Hieno.Models;

/// <summary>The one list of the model families that come with Hieno.</summary>
public static class BuiltInModels
{
    /// <summary>A catalog of all of them; add your own to it.</summary>
    public static ModelCatalog Catalog() => new ModelCatalog()
        .Add(new AlbertFamily())
        .Add(new BertFamily())
        .Add(new BloomFamily())
        .Add(new CohereFamily())
        .Add(new Cohere2Family())
        .Add(new DebertaV2Family())
        .Add(new DistilBertFamily())
        .Add(new ElectraFamily())
        .Add(new FalconFamily())
        .Add(new GemmaFamily())
        .Add(new Gemma2Family())
        .Add(new Gemma3Family())
        .Add(new Gpt2Family())
        .Add(new GptJFamily())
        .Add(new GptNeoFamily())
        .Add(new GptNeoXFamily())
        .Add(new GraniteFamily())
        .Add(new LlamaFamily())
        .Add(new ModernBertFamily())
        .Add(new MPNetFamily())
        .Add(new MistralFamily())
        .Add(new MixtralFamily())
        .Add(new OlmoFamily())
        .Add(new Olmo2Family())
        .Add(new OptFamily())
        .Add(new PhiFamily())
        .Add(new Phi3Family())
        .Add(new Qwen2Family())
        .Add(new Qwen2MoeFamily())
        .Add(new Qwen3Family())
        .Add(new Qwen3MoeFamily())
        .Add(new RobertaFamily())
        .Add(new SmolLM3Family())
        .Add(new StableLMFamily())
        .Add(new Starcoder2Family())
        .Add(new XlmRobertaFamily());
}
