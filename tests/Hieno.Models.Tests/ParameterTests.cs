using Hieno.Tensors;

namespace Hieno.Models.Tests;

public sealed class ParameterTests
{
    [Fact]
    public void Frozen_parameter_holds_no_gradient()
    {
        Parameter parameter = Weight(1, 2, 3);
        Assert.False(parameter.Trainable);
        parameter.Trainable = true;
        using (var tape = Tape.Begin())
        {
            tape.Backward(Ops.Sum(Ops.Scale(parameter, 2f)));
        }

        Assert.Equal([2f, 2f, 2f], parameter.Value.Grad!.ToArray());
        parameter.Trainable = false;
        Assert.Null(parameter.Value.Grad);
    }

    [Fact]
    public void A_copy_that_stands_in_is_trained_while_the_base_weight_stays()
    {
        Parameter parameter = Weight(1, 2, 3);
        Tensor copy = parameter.CopyBase();
        parameter.StandIn(copy);
        parameter.Trainable = true;
        parameter.Value.Span[0] = 9f;

        Assert.Same(copy, parameter.Value);
        Assert.Equal([9f, 2f, 3f], parameter.Value.ToArray());
        Assert.Equal([1f, 2f, 3f], parameter.Base.ToArray());
        Assert.False(parameter.Base.NeedsGrad);

        parameter.StandIn(null);
        Assert.Equal([1f, 2f, 3f], parameter.Value.ToArray());
        parameter.StandIn(copy);
        Assert.Equal([9f, 2f, 3f], parameter.Value.ToArray());
    }

    [Fact]
    public void A_copy_of_another_shape_cannot_stand_in()
    {
        Parameter parameter = Weight(1, 2, 3);
        Assert.Throws<ShapeException>(() => parameter.StandIn(Long(1, 2)));
        Assert.Same(parameter.Base, parameter.Value);
    }

    [Fact]
    public void Replacing_keeps_whether_the_weight_is_trained_and_refuses_other_shapes()
    {
        Parameter parameter = Weight(1, 2);
        parameter.Trainable = true;
        parameter.Replace(Long(7, 8));
        Assert.True(parameter.Trainable);
        Assert.Equal([7f, 8f], parameter.Value.ToArray());
        Assert.Throws<ShapeException>(() => parameter.Replace(Long(1, 2, 3)));
    }

    [Fact]
    public void Trainable_weight_of_16_bits_gets_memory_of_its_own_in_32()
    {
        Tensor half = Tensor.CreateLongLived([2], DType.BF16);
        half.Backend.Copy(Long(1, -2), half);
        var parameter = new Parameter("w", half, ParameterKind.Other, 0);
        parameter.Trainable = true;
        Assert.Equal(DType.F32, parameter.Value.DType);
        Assert.Equal([1f, -2f], parameter.Value.ToArray());
    }

    [Theory]
    [InlineData("model.layers.0.self_attn.q_proj.bias", true)]
    [InlineData("model.layers.0.self_attn.q_proj.weight", false)]
    public void Bias_is_told_by_its_name(string name, bool isBias)
    {
        Assert.Equal(isBias, new Parameter(name, Long(1), ParameterKind.Attention, 1).IsBias);
    }

    private static Parameter Weight(params float[] values) => new("w", Long(values), ParameterKind.Other, 0);

    private static Tensor Long(params float[] values)
    {
        Tensor tensor = Tensor.CreateLongLived([values.Length]);
        tensor.Backend.CopyFromHost(values, tensor);
        return tensor;
    }
}
