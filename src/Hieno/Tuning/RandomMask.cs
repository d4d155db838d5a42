using System.ComponentModel.DataAnnotations;
using System.Text;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Settings of <see cref="RandomMask"/>.</summary>
public sealed record RandomMaskOptions : TuningOptions
{
    /// <summary>The share of the elements that learn, from 0 to 1. Default 0.2.</summary>
    [Range(0.0, 1.0)]
    public double Keep { get; init; } = 0.2;

    /// <summary>Draws from the normalisation layers alone, for comparison with Fisher selection. Default false: from the whole body.</summary>
    public bool NormsOnly { get; init; }

    /// <summary>Whether the output layer learns as well. Default true; a new one always learns.</summary>
    public bool TrainHead { get; init; } = true;

    /// <inheritdoc/>
    public override ITuningMethod Create() => new RandomMask(this);
}

/// <summary>Elements drawn at random learn, the others keep their values: what any clever choice of elements has to beat.</summary>
/// <remarks>The baseline of Sung et al. 2021, <see href="https://arxiv.org/abs/2111.09839"/>, section 4. The same seed draws the same elements.</remarks>
public sealed class RandomMask(RandomMaskOptions options) : ITuningMethod
{
    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed)
    {
        TunedModel tuned = ChosenWeights.Train(
            model, "random-mask", parameter => !options.NormsOnly || parameter.Kind == ParameterKind.Norm, options.TrainHead, "Set 'tuning.normsOnly: false'");
        Parameter[] body = [.. tuned.Trainable.Where(parameter => parameter.Kind != ParameterKind.Head)];

        // A number for each element, from the seed and the weight's name; the largest learn, so that their count is exact.
        float[][] draws = Array.ConvertAll(body, parameter =>
        {
            float[] numbers = new float[parameter.Count];
            new Rng(seed, RngStream.Initialization).FillUniform(numbers, 0, 1, NumberOf(parameter.Name));
            return numbers;
        });
        bool[][] learns = TopElements.Mask(draws, options.Keep);
        tuned.Restrict([.. body.Zip(learns, (parameter, mask) => new ElementMask(parameter, mask))]);
        return tuned;
    }

    // FNV-1a: the same on every machine, which string.GetHashCode is not.
    private static ulong NumberOf(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ value) * 1099511628211;
        }

        return hash;
    }
}
