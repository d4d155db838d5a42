using Hieno.Formats;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>What methods that work on tokens of text ask of a model.</summary>
internal static class TextOnly
{
    /// <summary>The model as one that reads text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="who">The method, for errors.</param>
    /// <exception cref="TuningException">It reads pictures.</exception>
    public static TextModel RequireText(this PretrainedModel model, string who)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model as TextModel ?? throw new TuningException(
            ErrorCodes.TuningNeedsText, who, $"it works on tokens of text, and this model ({model.Config.ModelType}) reads pictures", "Choose 'full', 'head', 'partial' or 'lora'");
    }
}
