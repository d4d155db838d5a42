using Hieno.Formats;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class BOFTTests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new BOFTOptions { BlockSize = 4, Factors = 2, Targets = [LayerTargets.AllLinear] };

    protected override double StartDifference => 1e-5;

    protected override (int Steps, double Rate) Learning => (20, 0.1);

    protected override (string Folder, string Base, AdapterOptions Options) Golden => ("boft", "llama", new BOFTOptions { Targets = ["q_proj"] });

    // m·in·b numbers and the scales of the outputs.
    protected override long CountFor(string family) => 2 * family switch
    {
        "bert" => (8 * ((5 * 16) + 24)) + (5 * 16) + 24,
        "gpt2" => (8 * ((3 * 16) + 24)) + 48 + 16 + 24 + 16,
        _ => (8 * ((6 * 16) + 24)) + (3 * 16) + (2 * 8) + (2 * 24),
    };

    [Fact]
    public void Factors_turn_blocks_that_the_butterfly_brings_together()
    {
        TunedModel tuned = new BOFTOptions { BlockSize = 2, Factors = 2, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var part = (BOFTUpdate)tuned.Adapter!.Parts[0];
        Span<float> numbers = part.Parameters[0].Value.Span; // [2, 8, 2, 2]
        double[] angles = new double[16];
        for (int block = 0; block < 16; block++)
        {
            float s = 0.05f * (block - 6);
            numbers[(block * 4) + 1] = 2 * s; // only half the difference of the two places counts
            angles[block] = 2 * Math.Atan(s);
        }

        float[] x = [.. Enumerable.Range(0, 16).Select(i => i - 4f)];
        double[] expected = Array.ConvertAll(x, value => (double)value);
        int[][] pairs =
        [
            [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15], // the second factor, which comes first: neighbours at distance 2
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        ];
        for (int step = 0; step < 2; step++)
        {
            double[] before = [.. expected];
            for (int block = 0; block < 8; block++)
            {
                // A row (p, q) times the turn by −angle.
                (int p, int q, double angle) = (pairs[step][2 * block], pairs[step][(2 * block) + 1], angles[(8 * (1 - step)) + block]);
                expected[p] = (before[p] * Math.Cos(angle)) + (before[q] * Math.Sin(angle));
                expected[q] = (before[q] * Math.Cos(angle)) - (before[p] * Math.Sin(angle));
            }
        }

        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(expected, part.TransformInput(Tensor.FromValues([1, 16], x)), absolute: 1e-5);
    }

    [Fact]
    public void An_output_is_scaled_without_its_offset()
    {
        TunedModel tuned = new BOFTOptions { Targets = ["query"] }.Create().Apply(TinyTuning.Language("bert"), seed: 3);
        var part = (BOFTUpdate)tuned.Adapter!.Parts[0];
        part.Parameters[1].Value.Span.Fill(3f);
        using var tape = Tape.Begin(record: false);
        TensorAssert.Close(part.Layer.Bias!.Value.ToArray(), part.Layer.Forward(Tensor.FromValues([1, 16], new float[16])), absolute: 1e-6);
    }

    [Theory]
    [InlineData(3, 0, 1)]
    [InlineData(0, 5, 1)]
    [InlineData(8, 0, 3)]
    [InlineData(1, 0, 1)]
    public void Blocks_that_do_not_fit_are_refused(int size, int blocks, int factors)
    {
        var options = new BOFTOptions { BlockSize = size, Blocks = blocks, Factors = factors, Targets = ["q_proj"] };
        var error = Assert.Throws<TuningException>(() => options.Create().Apply(TinyTuning.Language("llama"), seed: 3));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
    }
}
