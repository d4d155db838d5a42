using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;

namespace Hieno.Training;

/// <summary>Overrides a model's dropout rates while it is trained. What is saved afterwards keeps the rates the base model came with.</summary>
internal static class DropoutRates
{
    // Every family calls its rates differently; one that a family does not know has no effect.
    private static readonly string[] s_keys =
    [
        "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout", "classifier_dropout_prob", "embd_pdrop", "attn_pdrop", "resid_pdrop", "attention_dropout",
        "hidden_dropout", "embedding_dropout", "mlp_dropout", "seq_classif_dropout", "dropout",
    ];

    /// <summary>The configuration with every rate set to <paramref name="rate"/>, also those it leaves to the family's default.</summary>
    public static ModelConfig Override(ModelConfig config, double rate)
    {
        JsonObject json = JsonObject.Create(config.Json)!;
        foreach (string key in s_keys)
        {
            json[key] = rate;
        }

        using JsonDocument document = JsonDocument.Parse(json.ToJsonString());
        return ModelConfig.From(document.RootElement.Clone(), config.Path);
    }

    /// <summary>Puts the rates of <paramref name="original"/> back into a configuration that is about to be saved.</summary>
    public static void Restore(JsonObject config, ModelConfig original)
    {
        foreach (string key in s_keys)
        {
            if (original.Json.TryGetProperty(key, out JsonElement value))
            {
                config[key] = JsonNode.Parse(value.GetRawText());
            }
            else
            {
                config.Remove(key);
            }
        }
    }
}
