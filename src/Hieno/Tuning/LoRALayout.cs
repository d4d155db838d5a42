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
    public const string Magnitude = "lora_magnitude_vector";
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
            Ranks = lora.RankPattern,
            Alphas = lora.AlphaPattern,
            Dropout = lora.Dropout,
            RsLora = lora.UseRsLoRA,
            Dora = lora.UseDoRA,
            Initialization = StartOf(lora.Initialization),
            Layers = lora.LayersToTransform ?? [],
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
            int rank = lora.RankOf(path);
            if (weights.FindModule<Convolution>(path) is { } convolution)
            {
                Tensor filters = weights.Take(path, PartA, LoRAConvolutionUpdate.ShapeOfA(convolution, rank));
                Tensor mix = weights.Take(path, PartB, LoRAConvolutionUpdate.ShapeOfB(convolution, rank));
                adapter.Attach(new LoRAConvolutionUpdate(convolution, adapter.Name, filters, mix, (float)lora.ScaleOf(path), (float)lora.Dropout));
                continue;
            }

            Linear layer = weights.ModuleAt<Linear>(path);
            Tensor a = weights.Take(path, PartA, [rank, layer.In]);
            Tensor b = weights.Take(path, PartB, [layer.Out, rank]);
            float scale = (float)lora.ScaleOf(path);
            if (StartOf(lora.Initialization) is LoRAStart.Pissa or LoRAStart.Olora)
            {
                // PEFT saves the pair only, and takes the start from the base model again.
                (Tensor startA, Tensor startB) = PrincipalPair.Of(layer, StartOf(lora.Initialization), rank, scale);
                adapter.Attach(new LoRAStartUpdate(layer, adapter.Name, startA, startB, scale));
            }

            adapter.Attach(lora.UseDoRA
                ? new DoRAUpdate(layer, adapter.Name, a, b, TakeMagnitude(weights, path, layer), scale, (float)lora.Dropout)
                : new LoRAUpdate(layer, adapter.Name, a, b, scale, (float)lora.Dropout));
        }

        if (lora.Bias == "lora_only")
        {
            // PEFT trains these offsets but, for want of a name, leaves them out of its file: they are then the base model's.
            adapter.Train(adapter.Parts.OfType<LinearUpdate>().Where(part => !weights.Has(part.Layer.Path, "base_layer.bias")).Select(part => part.Layer.Bias).OfType<Parameter>());
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
        (IReadOnlyDictionary<string, int> ranks, IReadOnlyDictionary<string, double> alphas) = options.LayerRanks.ForPeft(adapter.Parts.Select(part => part.Place.Path));
        return new PeftAdapterConfig
        {
            LoRA = new PeftLoRAConfig
            {
                Rank = options.Rank,
                Alpha = options.Alpha,
                RankPattern = ranks,
                AlphaPattern = alphas,
                Dropout = options.Dropout,
                UseRsLoRA = options.RsLora,
                UseDoRA = options.Dora,
                Initialization = options.Initialization == LoRAStart.Kaiming ? "true" : options.Initialization.ToString().ToLowerInvariant(),
                LayersToTransform = options.Layers.Count > 0 ? options.Layers : null,
                TargetModules = PeftModules.EndingWith(LayerTargets.NamesOf(adapter, options.Targets)),
                FanInFanOut = adapter.Parts.OfType<LinearUpdate>().Any(pair => pair.Layer.Transposed),
                Bias = options.Bias switch { LoRABias.All => "all", LoRABias.LoraOnly => "lora_only", _ => "none" },
                ModulesToSave = adapter.Modules.Count > 0 ? adapter.Modules : null,
            },
        };
    }

    private static LoRAStart StartOf(string name) => name switch
    {
        "gaussian" => LoRAStart.Gaussian,
        "pissa" => LoRAStart.Pissa,
        "olora" => LoRAStart.Olora,
        _ => LoRAStart.Kaiming,
    };

    // Newer versions of PEFT end the name in .weight.
    private static Tensor TakeMagnitude(AdapterWeights weights, string path, Linear layer) =>
        weights.Take(path, weights.Has(path, Magnitude) ? Magnitude : Magnitude + ".weight", [layer.Out]);

    // What an adapter asks for beyond A and B would change its meaning if it were passed over.
    private static void ThrowIfUnsupported(PeftLoRAConfig lora, string path)
    {
        string? what = lora switch
        {
            { UseDoRA: true, Initialization: "pissa" or "olora" } => "the adapter combines DoRA with a start from the weight, which is not known here",
            { LoRABias: true } => "the adapter has offsets in its pairs, which cannot be read yet",
            { Initialization: not ("true" or "false" or "gaussian" or "orthogonal" or "eva" or "pissa" or "olora") and var start } =>
                $"the adapter was started with '{start}', which also changed the base model's weights, so it does not fit the base model as it is",
            _ => null,
        };
        if (what is not null)
        {
            throw new CheckpointException(ErrorCodes.AdapterUnsupported, path, what, "Give a plain LoRA adapter, or a model it was merged into");
        }
    }
}
