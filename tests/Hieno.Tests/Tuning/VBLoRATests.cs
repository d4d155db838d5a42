using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class VBLoRATests : PeftMethodInvariants
{
    protected override AdapterOptions Options => new VBLoRAOptions { Rank = 2, Vectors = 10, VectorLength = 8, BankBound = 0.1, LogitsRatio = 2, Targets = [LayerTargets.AllLinear] };

    protected override double StartDifference => 0.1;

    protected override (int Steps, double Rate) Learning => (40, 0.05);

    protected override (string Folder, string Base, AdapterOptions Options) Golden =>
        ("vblora", "llama", new VBLoRAOptions { Rank = 4, Vectors = 16, VectorLength = 16, Targets = ["q_proj", "v_proj"] });

    // The bank, and for each layer a logit for each vector of the bank and piece of A and B.
    protected override long CountFor(string family) => (10 * 8) + (2 * 2 * 10 / 8 * family switch
    {
        "bert" => (4 * 32) + 40 + 40,
        "gpt2" => 64 + 32 + 40 + 40,
        _ => 32 + 24 + 24 + 32 + (3 * 40),
    });

    [Fact]
    public void A_piece_mixes_the_vectors_with_the_highest_logits()
    {
        TunedModel tuned = new VBLoRAOptions { Rank = 1, Vectors = 3, VectorLength = 16, TopK = 2, Targets = ["q_proj"] }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        var part = (VBLoRAUpdate)tuned.Adapter!.Parts[0];
        Parameter bank = part.Parameters[2];
        ((float[])[1f, -5f, 2f]).CopyTo(part.LogitsA.Value.Span);
        ((float[])[3f, 3f, -1f]).CopyTo(part.LogitsB.Value.Span);
        for (int i = 0; i < 48; i++)
        {
            bank.Value.Span[i] = i / 16 + 1; // vectors of ones, twos and threes
        }

        double first = 1 / (1 + Math.Exp(1)); // of logits 1 and 2
        double a = first + (3 * (1 - first));
        double sum = 16 * a;                  // of an input of ones
        using var tape = Tape.Begin(record: false);
        Tensor ones = Tensor.FromValues([1, 16], [.. Enumerable.Repeat(1f, 16)]);
        Tensor zeros = Tensor.FromValues([1, 16], new float[16]);
        TensorAssert.Close([.. Enumerable.Repeat(1.5 * sum, 16)], part.Apply(ones, zeros), absolute: 1e-4);
    }

    [Fact]
    public void Layers_share_one_bank_and_the_logits_learn_faster()
    {
        TunedModel tuned = new VBLoRAOptions { VectorLength = 8, Vectors = 6 }.Create().Apply(TinyTuning.Language("llama"), seed: 3);
        Parameter bank = Assert.Single(tuned.Trainable, parameter => parameter.Name.EndsWith("vector_bank", StringComparison.Ordinal));
        Assert.Equal(1.0, bank.LearningRateFactor);
        Assert.All(tuned.Trainable.Where(parameter => parameter != bank), logits => Assert.Equal(10.0, logits.LearningRateFactor));
        Assert.All(tuned.Adapter!.Parts, part => Assert.Contains(bank, part.Parameters));
    }

    [Theory]
    [InlineData(5, 2)]
    [InlineData(8, 7)]
    public void Vectors_that_do_not_fit_are_refused(int length, int topK)
    {
        var options = new VBLoRAOptions { VectorLength = length, Vectors = 6, TopK = topK };
        var error = Assert.Throws<TuningException>(() => options.Create().Apply(TinyTuning.Language("llama"), seed: 3));
        Assert.Equal(ErrorCodes.TuningTargetUnknown, error.Code);
    }
}
