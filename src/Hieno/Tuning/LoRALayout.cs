using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>LoRA adapters in PEFT's files.</summary>
internal sealed class LoRALayout : PeftLayout
{
    public const string PartA = "lora_A.weight";
    public const string PartB = "lora_B.weight";
    public const string EmbeddingA = "lora_embedding_A";
    public const string EmbeddingB = "lora_embedding_B";

    /// <inheritdoc/>
    public override string PeftType => "LORA";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        PeftLoRAConfig lora = config.LoRA!;
        ThrowIfUnsupported(lora, config.Path);
        return new LoRAOptions
        {
            Rank = lora.Rank,
            Alpha = lora.Alpha,
            Dropout = lora.Dropout,
            RsLora = lora.UseRsLoRA,
            Targets = lora.TargetModules?.Names ?? (lora.TargetModules?.IsAllLinear == true ? [LayerTargets.AllLinear] : []),
            Bias = lora.Bias switch { "all" => LoRABias.All, "lora_only" => LoRABias.LoraOnly, _ => LoRABias.None },
            ModulesToSave = lora.ModulesToSave ?? [],
        };
    }

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        PeftLoRAConfig lora = adapter.Source!.LoRA!;
        foreach (string path in weights.PathsWith(PartA))
        {
            Linear layer = weights.ModuleAt<Linear>(path);
            int rank = lora.RankOf(path);
            Tensor a = weights.Take(path, PartA, [rank, layer.In]);
            Tensor b = weights.Take(path, PartB, [layer.Out, rank]);
            adapter.Attach(new LoRAUpdate(layer, adapter.Name, a, b, (float)lora.ScaleOf(path), (float)lora.Dropout));
        }

        foreach (string path in weights.PathsWith(EmbeddingA))
        {
            Embedding table = weights.ModuleAt<Embedding>(path);
            int rank = lora.RankOf(path);
            Tensor a = weights.Take(path, EmbeddingA, [rank, table.Table.Base.Shape[0]]);
            Tensor b = weights.Take(path, EmbeddingB, [table.Table.Base.Shape[1], rank]);
            adapter.Attach(new LoRAEmbeddingUpdate(table, adapter.Name, a, b, (float)lora.ScaleOf(path)));

            // PEFT saves the table itself with its change, because it may have been resized.
            if (weights.Has(path, "base_layer.weight"))
            {
                adapter.TakeCopy(table.Table, weights.Take(path, "base_layer.weight", table.Table.Base.Shape), learns: false);
            }
        }
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        var options = (LoRAOptions)adapter.Options;
        return new PeftAdapterConfig
        {
            LoRA = new PeftLoRAConfig
            {
                Rank = options.Rank,
                Alpha = options.Alpha,
                Dropout = options.Dropout,
                UseRsLoRA = options.RsLora,
                TargetModules = PeftModules.EndingWith(LayerTargets.NamesOf(adapter, options.Targets)),
                FanInFanOut = adapter.Parts.OfType<LoRAUpdate>().Any(pair => pair.Layer.Transposed),
                Bias = options.Bias switch { LoRABias.All => "all", LoRABias.LoraOnly => "lora_only", _ => "none" },
                ModulesToSave = adapter.Modules.Count > 0 ? adapter.Modules : null,
            },
        };
    }

    // What an adapter asks for beyond A and B would change its meaning if it were passed over.
    private static void ThrowIfUnsupported(PeftLoRAConfig lora, string path)
    {
        string? what = lora switch
        {
            { UseDoRA: true } => "the adapter uses DoRA, which cannot be read yet",
            { LoRABias: true } => "the adapter has offsets in its pairs, which cannot be read yet",
            { Initialization: not ("true" or "false" or "gaussian" or "orthogonal" or "eva") and var start } =>
                $"the adapter was started with '{start}', which also changed the base model's weights, so it does not fit the base model as it is",
            _ => null,
        };
        if (what is not null)
        {
            throw new CheckpointException(ErrorCodes.AdapterUnsupported, path, what, "Give a plain LoRA adapter, or a model it was merged into");
        }
    }
}
