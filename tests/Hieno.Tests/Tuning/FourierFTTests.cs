using Hieno.Formats;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class FourierFTTests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new FourierFTOptions { Frequencies = 60, Scaling = 50, ZeroStart = true, Targets = [LayerTargets.AllLinear] };

    protected override (int Steps, double Rate) Learning => (20, 0.1);

    protected override (string Folder, string Base, AdapterOptions Options) Golden =>
        ("fourierft", "llama", new FourierFTOptions { Frequencies = 50, Scaling = 30, Targets = ["q_proj", "v_proj"] });

    protected override long CountFor(string family) => 2 * 60 * family switch { "bert" => 6, "gpt2" => 4, _ => 7 };

    [Fact]
    public void The_change_is_the_inverse_transform_of_the_spectrum()
    {
        TunedModel tuned = new FourierFTOptions { Frequencies = 5, Scaling = 40, LocationSeed = 3, Targets = ["k_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var part = (FourierFTUpdate)tuned.Adapter!.Parts[0];
        (int rows, int columns) = (part.Layer.Out, part.Layer.In);
        float[] spectrum = part.Parameters[0].Value.ToArray();
        Assert.True(spectrum.Distinct().Count() == 5 && Array.TrueForAll(spectrum, value => Math.Abs(value) < 5));
        int[] places = new TorchGenerator(3).Permutation(rows * columns, 5);
        double[] expected = Array.ConvertAll(part.Layer.Weight.Value.ToArray(), value => (double)value);
        for (int i = 0; i < expected.Length; i++)
        {
            for (int l = 0; l < 5; l++)
            {
                double turns = ((double)(i / columns) * (places[l] / columns) / rows) + ((double)(i % columns) * (places[l] % columns) / columns);
                expected[i] += 40.0 / expected.Length * spectrum[l] * Math.Cos(2 * Math.PI * turns);
            }
        }

        tuned.Adapter.Merge();
        TensorAssert.Close(expected, part.Layer.Weight.Base, absolute: 1e-5);
    }

    [Fact]
    public void More_frequencies_than_there_are_are_refused()
    {
        var error = Assert.Throws<TuningException>(() => new FourierFTOptions { Frequencies = 257, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
        Assert.Contains("256", error.Message, StringComparison.Ordinal);
    }
}
