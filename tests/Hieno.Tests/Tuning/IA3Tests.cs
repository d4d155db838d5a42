using Hieno.Formats;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class IA3Tests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new IA3Options();

    protected override (int Steps, double Rate) Learning => (30, 0.2);

    protected override (string Folder, string Base, AdapterOptions Options) Golden =>
        ("ia3", "llama", new IA3Options { Targets = ["k_proj", "v_proj", "down_proj"], FeedForward = ["down_proj"] });

    protected override long CountFor(string family) => family switch
    {
        "bert" => 2 * (16 + 16 + 16 + 24), // key, value, and the inputs of the two layers called output.dense
        "gpt2" => 2 * (48 + 24),
        _ => 2 * (8 + 8 + 24),
    };

    [Fact]
    public void A_target_is_scaled_at_its_output_unless_it_is_named_as_feed_forward()
    {
        TunedModel tuned = new IA3Options { Targets = ["mlp.c_proj"] }.Create().Apply(TinyTuning.Language("gpt2"), seed: 3);
        Assert.All(tuned.Trainable, l => Assert.Equal("[16, 1]", l.Value.Shape.ToString()));
        tuned = new IA3Options { Targets = ["mlp.c_proj"], FeedForward = ["c_proj"] }.Create().Apply(TinyTuning.Language("gpt2"), seed: 3);
        Assert.All(tuned.Trainable, l => Assert.Equal("[1, 24]", l.Value.Shape.ToString()));
    }

    [Fact]
    public void An_output_is_scaled_with_its_offset()
    {
        TunedModel tuned = new IA3Options { Targets = ["query"] }.Create().Apply(TinyTuning.Language("bert"), seed: 3);
        var part = (IA3Update)tuned.Adapter!.Parts[0];
        part.Parameters[0].Value.Span.Fill(3f);
        float[] zeros = new float[part.Layer.In];
        using var tape = Tape.Begin(record: false);
        double[] expected = Array.ConvertAll(part.Layer.Bias!.Value.ToArray(), offset => 3.0 * offset);
        TensorAssert.Close(expected, part.Layer.Forward(Tensor.FromValues([1, zeros.Length], zeros)), absolute: 1e-6);
    }

    [Fact]
    public void A_target_that_names_nothing_is_refused()
    {
        var error = Assert.Throws<TuningException>(() => new IA3Options { Targets = ["k_projection"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
    }
}
