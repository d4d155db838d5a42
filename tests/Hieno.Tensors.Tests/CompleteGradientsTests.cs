using static Hieno.Tensors.Ops;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests;

/// <summary>A weight whose gradient is complete may be changed and its gradient given back while the backward pass goes on.</summary>
public sealed class CompleteGradientsTests
{
    [Fact]
    public void Each_weight_is_told_of_once_the_last_used_first_and_one_that_is_used_twice_after_both()
    {
        (Tensor x, Tensor shared, Tensor upper) = (Normal([4, 9], 1), Trainable([9], 2), Trainable([9], 3));
        var told = new List<Tensor>();
        using var tape = Tape.Begin();
        Tensor h = Layer(Layer(Layer(x, shared), upper), shared);
        tape.Backward(Sum(Mul(h, h)), onComplete: told.Add);
        Assert.Equal([upper, shared], told);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Weights_that_change_as_soon_as_they_may_leave_all_other_gradients_as_they_were(bool checkpointed)
    {
        float[] plain = Gradients(checkpointed, destroy: false);
        float[] destroyed = Gradients(checkpointed, destroy: true);
        Assert.Equal(plain, destroyed);
        Assert.DoesNotContain(plain, float.IsNaN);
    }

    [Fact]
    public void A_weight_of_a_checkpointed_part_is_told_of_only_where_it_is_read_outside_too_and_then_after_the_part()
    {
        (Tensor x, Tensor inner, Tensor both) = (Trainable([4, 9], 1), Trainable([9], 2), Trainable([9], 3));
        var told = new List<Tensor>();
        using var tape = Tape.Begin();
        Tensor h = Checkpoint(x, t => Layer(Layer(t, inner), both), hasTrainable: true);
        float[] atTheTime = [];
        tape.Backward(Sum(Mul(Layer(h, both), h)), onComplete: leaf =>
        {
            told.Add(leaf);
            atTheTime = leaf == both ? both.Grad!.ToArray() : atTheTime;
        });
        Assert.DoesNotContain(inner, told);
        Assert.NotNull(inner.Grad);
        Assert.Contains(both, told);
        Assert.Equal(both.Grad!.ToArray(), atTheTime);
    }

    private static float[] Gradients(bool checkpointed, bool destroy)
    {
        Tensor[] weights = [Trainable([9], 1), Trainable([9], 2), Trainable([9], 3), Trainable([4, 9], 4)];
        var gradients = new Dictionary<Tensor, float[]>();
        using (var tape = Tape.Begin(dropout: Source(5)))
        {
            Tensor h = Add(weights[3], Layer(weights[3], weights[0]));
            h = checkpointed ? Checkpoint(h, t => Add(t, Layer(t, weights[1])), hasTrainable: true) : Add(h, Layer(h, weights[1]));
            h = Layer(Layer(h, weights[0]), weights[2]);
            tape.Backward(Sum(Mul(h, h)), onComplete: leaf =>
            {
                gradients.Add(leaf, leaf.Grad!.ToArray());
                if (destroy)
                {
                    leaf.Span.Fill(float.NaN);
                    leaf.ClearGrad();
                }
            });
        }

        return [.. weights.SelectMany(weight => gradients.GetValueOrDefault(weight) ?? weight.Grad!.ToArray())];
    }

    private static DropoutSource Source(ulong pass) => new(new Rng(1, RngStream.Dropout), pass);

    private static Tensor Trainable(Shape shape, ulong seed)
    {
        Tensor tensor = Normal(shape, seed);
        tensor.NeedsGrad = true;
        return tensor;
    }

    private static Tensor Layer(Tensor x, Tensor gain) => Dropout(Activate(RmsNorm(x, gain), Activation.Gelu), 0.3f);
}
