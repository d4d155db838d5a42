using Hieno.Models;

namespace Hieno.Parity;

/// <summary>The gradient of every parameter against the reference's: at most 1e-4 off in the relative Frobenius norm, or 30 times the reference's own rounding noise.</summary>
internal static class GradientsCheck
{
    /// <summary>Below this norm a gradient is rounding noise around an exact zero, as that of a key's offset is, and says nothing.</summary>
    public const double NoiseNorm = 1e-6;

    private const double RelativeLimit = 1e-4;
    private const double NoiseFactor = 30; // small batches under batch normalisation magnify rounding

    /// <summary>Trains all parameters and compares each gradient.</summary>
    /// <exception cref="FixtureException">The model has other parameters than the reference.</exception>
    public static Measurement Run(Fixture fixture, Subject subject)
    {
        Parameter[] parameters = [.. subject.Model.Parameters()];
        ThrowUnlessSameNames(fixture, parameters);
        foreach (Parameter parameter in parameters)
        {
            parameter.Trainable = true;
        }

        subject.Differentiate(fixture.Batch, parameters);
        Measurement worst = Worst("gradient", parameters.Select(parameter => (parameter, parameter.Name)), fixture.Gradients);
        return worst with { Limit = Math.Max(worst.Limit, NoiseFactor * fixture.GradientNoise) };
    }

    /// <summary>The gradient that is furthest from the reference's tensor of the name given beside it.</summary>
    public static Measurement Worst(string check, IEnumerable<(Parameter Parameter, string Name)> parameters, TensorFile reference)
    {
        (double value, string? where) = (0, null);
        foreach ((Parameter parameter, string name) in parameters)
        {
            float[] expected = reference.Has(name) ? reference.Floats(name) : new float[parameter.Count];
            float[] actual = parameter.Value.Grad?.ToArray() ?? new float[parameter.Count];
            double norm = Difference.Norm(expected);
            double error = norm < NoiseNorm
                ? Difference.LargestAbsolute(actual, expected) / NoiseNorm * RelativeLimit // noise: as small as the reference's is enough
                : Difference.RelativeFrobenius(actual, expected);
            if (!(error <= value))
            {
                (value, where) = (error, parameter.Name);
            }
        }

        return new Measurement(check, value, RelativeLimit, where) { NamesPlace = true };
    }

    private static void ThrowUnlessSameNames(Fixture fixture, Parameter[] parameters)
    {
        var ours = parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        var theirs = fixture.Gradients.Names.Concat(fixture.Unused).ToHashSet(StringComparer.Ordinal);
        if (!ours.SetEquals(theirs))
        {
            throw new FixtureException(
                $"{fixture.Folder}: only the reference has [{string.Join(", ", theirs.Except(ours, StringComparer.Ordinal))}], only we have [{string.Join(", ", ours.Except(theirs, StringComparer.Ordinal))}].");
        }
    }
}
