using Hieno.Models;

namespace Hieno.Parity;

/// <summary>The gradient of every parameter against the reference's: at most 1e-4 off in the relative Frobenius norm, or 30 times the reference's own rounding noise.</summary>
internal static class GradientsCheck
{
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

    /// <summary>
    /// Below this norm a gradient is rounding noise around an exact zero, as that of a key's offset is, and says nothing: 1e-6, or 1e-6 of the norm of
    /// all gradients together.
    /// </summary>
    public static double NoiseNorm(IEnumerable<string> names, TensorFile reference) =>
        1e-6 * Math.Max(1, Math.Sqrt(names.Where(reference.Has).Sum(name => Math.Pow(Difference.Norm(reference.Floats(name)), 2))));

    /// <summary>The gradient that is furthest from the reference's tensor of the name given beside it.</summary>
    public static Measurement Worst(string check, IEnumerable<(Parameter Parameter, string Name)> parameters, TensorFile reference)
    {
        (double value, string? where) = (0, null);
        (Parameter Parameter, string Name)[] all = [.. parameters];
        double noise = NoiseNorm(all.Select(item => item.Name), reference);
        foreach ((Parameter parameter, string name) in all)
        {
            float[] expected = reference.Has(name) ? reference.Floats(name) : new float[parameter.Count];
            float[] actual = parameter.Value.Grad?.ToArray() ?? new float[parameter.Count];
            double norm = Difference.Norm(expected);
            double error = norm < noise
                ? Difference.LargestAbsolute(actual, expected) / noise * RelativeLimit // noise: as small as the reference's is enough
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
