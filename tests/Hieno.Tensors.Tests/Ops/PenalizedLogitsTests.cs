using Hieno.Testing;
using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

public sealed class PenalizedLogitsTests
{
    private static readonly float[] s_slopes = [0.5f, -2f, 1f, 3f];

    [Fact]
    public void The_term_known_later_has_the_gradient_that_it_has_when_it_is_part_of_the_loss()
    {
        float[] expected = Gradient(logits => Add(Sum(Tanh(logits)), Term(logits)));
        float[]? slopes = null;
        float[] actual = Gradient(logits =>
        {
            Tensor loss = Sum(Tanh(PenalizedLogits(logits, () => slopes)));
            slopes = s_slopes;
            return loss;
        });
        TensorAssert.Close(expected, Tensor.FromValues([actual.Length], actual), 1e-6, 1e-6);
        Assert.NotEqual(expected, Gradient(logits => Sum(Tanh(logits))));
    }

    [Fact]
    public void It_reaches_into_parts_that_are_computed_again()
    {
        float[]? slopes = null;
        float[] kept = Gradient(logits => Run(logits, Block));
        float[] again = Gradient(logits => Run(logits, (x, body) => Checkpoint(x, body, hasTrainable: false)));
        Assert.Equal(kept, again);

        Tensor Run(Tensor logits, Func<Tensor, Func<Tensor, Tensor>, Tensor> run)
        {
            slopes = null;
            Tensor loss = Sum(run(Scale(logits, 1f), x => Tanh(PenalizedLogits(Scale(x, 2f), () => slopes))));
            slopes = s_slopes;
            return loss;
        }
    }

    [Fact]
    public void Without_slopes_the_gradient_passes_unchanged() =>
        Assert.Equal(Gradient(logits => Sum(Tanh(logits))), Gradient(logits => Sum(Tanh(PenalizedLogits(logits, () => null)))));

    [Fact]
    public void Slopes_of_another_count_are_refused() =>
        Assert.Throws<ShapeException>(() => Gradient(logits => Sum(PenalizedLogits(logits, () => [1f]))));

    private static Tensor Tanh(Tensor x) => Activate(x, Activation.Tanh);

    private static Tensor Term(Tensor logits) => Sum(ScaleColumns(Softmax(logits), Tensor.FromValues([4], s_slopes)));

    private static float[] Gradient(Func<Tensor, Tensor> loss)
    {
        Tensor logits = TestTensors.Random([5, 4], seed: 1, trained: true);
        using Tape tape = Tape.Begin();
        tape.Backward(loss(logits));
        return logits.Grad!.ToArray();
    }
}
