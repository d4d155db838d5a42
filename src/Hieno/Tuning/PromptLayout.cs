using System.Globalization;
using System.Text.Json;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// Virtual tokens in PEFT's files: one tensor <c>prompt_embeddings</c> with the finished vectors, whatever computed them. What is read from
/// such a file learns as a table.
/// </summary>
internal abstract class PromptLayout : PeftLayout
{
    /// <summary>The tensor of the finished vectors.</summary>
    protected const string Tensors = "prompt_embeddings";

    /// <inheritdoc/>
    public override string Prefix => "base_model.";

    /// <summary>True where the vectors are keys and values of each layer.</summary>
    protected virtual bool IsPrefix => false;

    /// <inheritdoc/>
    public override void ReadParts(Adapter adapter, AdapterWeights weights)
    {
        ModelConfig settings = adapter.Source!.Settings!;
        RequireOneBody(settings);
        Backbone body = adapter.Model.RequireText(PeftType).Backbone;
        int count = settings.GetInt("num_virtual_tokens");
        var table = new PromptTable(weights.Take(Tensors, [count, IsPrefix ? 2 * body.Blocks.Count * body.KeyWidth : body.TokenWidth]));
        adapter.Attach(IsPrefix ? new EncodedPrefix(body, adapter.Name, count, table) : new EncodedPrompt(body, adapter.Name, count, table));
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Parameter Parameter, Tensor Value)> PartTensors(Adapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        PromptEncoder encoder = adapter.Parts.Single() switch
        {
            EncodedPrompt prompt => prompt.Encoder,
            EncodedPrefix prefix => prefix.Encoder,
            AdapterPart other => throw new InvalidOperationException($"{other.GetType().Name} is no virtual token."),
        };
        yield return (Tensors, encoder.Parameters[0], encoder is PromptTable ? encoder.Parameters[0].Value : encoder.Snapshot());
    }

    /// <inheritdoc/>
    public override PeftAdapterConfig Describe(Adapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        (Backbone body, ModelConfig config) = (adapter.Model.RequireText(PeftType).Backbone, adapter.Model.Config);
        int heads = config.GetInt(config.Has("n_head") ? "n_head" : "num_attention_heads");
        var values = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["num_virtual_tokens"] = adapter.Parts.OfType<VirtualTokens>().Single().Count,
            ["token_dim"] = IsPrefix ? body.KeyWidth : body.TokenWidth,
            ["num_attention_heads"] = IsPrefix ? config.GetInt("num_key_value_heads", heads) : heads,
            ["num_layers"] = body.Blocks.Count,
            ["num_transformer_submodules"] = 1,
        };
        Describe(adapter, values);
        return new PeftAdapterConfig { Other = values.ToDictionary(item => item.Key, item => Json(item.Value), StringComparer.Ordinal) };
    }

    /// <summary>Refuses an adapter of a model with encoder and decoder.</summary>
    /// <exception cref="CheckpointException">It is for one.</exception>
    protected static void RequireOneBody(ModelConfig settings)
    {
        int submodules = settings.GetInt("num_transformer_submodules", 1);
        if (submodules != 1)
        {
            throw settings.Error("num_transformer_submodules", $"is {submodules}: the adapter is for a model with encoder and decoder", "Give an adapter of a model with one body");
        }
    }

    /// <summary>Adds the settings of the method to those of all virtual tokens.</summary>
    protected abstract void Describe(Adapter adapter, Dictionary<string, object?> values);

    // A whole number that may have decimals is written with one, as Python does.
    private static JsonElement Json(object? value) => value is double number
        ? JsonDocument.Parse(number.ToString("0.0################", CultureInfo.InvariantCulture)).RootElement
        : JsonSerializer.SerializeToElement(value);
}
