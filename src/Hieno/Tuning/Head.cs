using Hieno.Formats;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Only the output layer learns; the body serves as a fixed reader of features. Has no settings.</summary>
public sealed record HeadOptions : TuningOptions
{
    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new Head();
}

/// <summary>Only the output layer learns (linear probing).</summary>
public sealed class Head : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        TunedModel.FreezeAllButNew(model);
        foreach (Parameter parameter in model.Parameters().Where(parameter => parameter.Kind == ParameterKind.Head))
        {
            parameter.Trainable = true;
        }

        var tuned = new TunedModel(model);
        return tuned.TrainableCount > 0
            ? tuned
            : throw new TuningException(ErrorCodes.TuningNothingTrains, "head", "this model has no output layer of its own: it shares the token table", "Choose 'partial' with 'parts: [embedding]', or 'lora'");
    }
}
