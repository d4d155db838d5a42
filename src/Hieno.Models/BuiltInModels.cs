using Hieno.Models.Bert;
using Hieno.Models.Gpt2;
using Hieno.Models.Llama;

namespace Hieno.Models;

/// <summary>The one list of the model families that come with Hieno.</summary>
public static class BuiltInModels
{
    /// <summary>A catalog of all of them; add your own to it.</summary>
    public static ModelCatalog Catalog() => new ModelCatalog()
        .Add(new BertFamily())
        .Add(new Gpt2Family())
        .Add(new LlamaFamily())
        .Add(new MistralFamily())
        .Add(new Qwen2Family());
}
