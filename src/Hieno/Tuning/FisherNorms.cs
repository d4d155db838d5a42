using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Hieno.Formats;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="FisherNorms"/>.</summary>
public sealed record FisherNormsOptions : TuningOptions
{
    /// <summary>ρ: the share of the normalisation layers' elements that learn, over all layers together. Default 0.2.</summary>
    [Range(0.0, 1.0)]
    public double Keep { get; init; } = 0.2;

    /// <summary>How many training rows the information is measured on, one by one. Default 1024.</summary>
    [Range(1, 10_000_000)]
    public int Samples { get; init; } = 1024;

    /// <summary>Run folders of other tasks on the same base model: an element learns that is chosen by any of them. Default: none.</summary>
    public IReadOnlyList<string> Union { get; init; } = [];

    /// <summary>Whether the output layer learns as well. Default true; a new one always learns.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-3;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new FisherNorms(this);
}

/// <summary>Those elements of the normalisation layers learn that carry most Fisher information at the start, and the output layer.</summary>
/// <remarks>
/// ValizadehAslani and Liang 2024, <see href="https://arxiv.org/abs/2403.20284"/>, for the choice of normalisation layers; the mask of the
/// largest elements is that of Sung et al. 2021, <see href="https://arxiv.org/abs/2111.09839"/>. The share and the union of several tasks are Hieno's.
/// </remarks>
public sealed class FisherNorms(FisherNormsOptions options) : IPreparedMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed) =>
        ChosenWeights.Train(model, "fisher-norms", parameter => parameter.Kind == ParameterKind.Norm, options.TrainHead, "Choose 'partial' or 'lora'");

    /// <inheritdoc/>
    public void Prepare(TunedModel tuned, PreparationRows rows)
    {
        ArgumentNullException.ThrowIfNull(tuned);
        ArgumentNullException.ThrowIfNull(rows);
        Parameter[] norms = [.. tuned.Trainable.Where(parameter => parameter.Kind == ParameterKind.Norm)];

        // Measured at the first weights, so a resumed run must take what was written down then.
        float[][] own = rows.IsResumed ? FisherInformation.Read(rows.Folder, norms) : FisherInformation.Compute(norms, Math.Min(options.Samples, rows.Count), rows.Loss);
        if (!rows.IsResumed)
        {
            foreach (Parameter parameter in tuned.Trainable)
            {
                parameter.Value.ClearGrad(); // the head was differentiated along with the norms
            }

            FisherInformation.Save(Path.Combine(rows.Folder, FisherInformation.FileName), norms, own);
        }

        bool[][] learns = TopElements.Mask(own, options.Keep);
        foreach (string folder in options.Union)
        {
            bool[][] other = TopElements.Mask(ReadOther(folder, norms), options.Keep);
            for (int p = 0; p < learns.Length; p++)
            {
                for (int i = 0; i < learns[p].Length; i++)
                {
                    learns[p][i] |= other[p][i];
                }
            }
        }

        tuned.Restrict([.. norms.Zip(learns, (parameter, mask) => new ElementMask(parameter, mask))]);
        long chosen = learns.Sum(mask => mask.LongCount(learn => learn));
        rows.Say(string.Create(CultureInfo.InvariantCulture, $"{chosen:N0} of the {norms.Sum(parameter => parameter.Count):N0} elements of the normalisation layers were chosen by their Fisher information"));
    }

    private static float[][] ReadOther(string folder, Parameter[] norms)
    {
        if (!File.Exists(Path.Combine(folder, FisherInformation.FileName)))
        {
            throw new TuningException(ErrorCodes.TuningTargetUnknown, "fisher-norms", $"the run folder '{folder}' has no {FisherInformation.FileName}", "Name runs of the method 'fisher-norms' in 'tuning.union'");
        }

        return FisherInformation.Read(folder, norms);
    }
}
