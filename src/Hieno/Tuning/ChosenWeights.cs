using Hieno.Formats;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>What methods that train a choice of the model's own weights have in common.</summary>
internal static class ChosenWeights
{
    /// <summary>Freezes all weights but new ones, the chosen ones and, if wanted, the output layer's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="who">The method's name, for errors.</param>
    /// <param name="chooses">Whether a weight of the body is chosen.</param>
    /// <param name="trainHead">Whether the output layer learns too.</param>
    /// <param name="advice">What to do where the model has no such weight.</param>
    /// <exception cref="TuningException">Not one weight is chosen: beside a learning head nobody would notice.</exception>
    public static TunedModel Train(PretrainedModel model, string who, Func<Parameter, bool> chooses, bool trainHead, string advice)
    {
        ArgumentNullException.ThrowIfNull(model);
        TunedModel.FreezeAllButNew(model);
        int chosen = 0;
        foreach (Parameter parameter in model.Parameters())
        {
            if (parameter.Kind != ParameterKind.Head && chooses(parameter))
            {
                parameter.Trainable = true;
                chosen++;
            }
            else if (parameter.Kind == ParameterKind.Head && trainHead)
            {
                parameter.Trainable = true;
            }
        }

        return chosen > 0
            ? new TunedModel(model)
            : throw new TuningException(ErrorCodes.TuningNothingTrains, who, $"the body of this model ({model.Config.ModelType}) has no weight that the method trains", advice);
    }
}
