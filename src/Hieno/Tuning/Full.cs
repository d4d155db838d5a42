using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Full fine-tuning: every weight learns. Has no settings.</summary>
public sealed record FullOptions : TuningOptions
{
    /// <inheritdoc/>
    public override ITuningMethod Create() => new Full();
}

/// <summary>Full fine-tuning: every weight learns.</summary>
public sealed class Full : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach (Parameter parameter in model.Parameters())
        {
            parameter.Trainable = true;
        }

        return new TunedModel(model);
    }
}
