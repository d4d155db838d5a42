namespace Hieno.Tensors.Tests;

public sealed class ShapeExceptionTests
{
    [Fact]
    public void A_message_names_the_operation_and_the_values_in_its_holes()
    {
        Shape shape = [2, 3];
        ShapeException fault = Assert.Throws<ShapeException>(() => ShapeException.ThrowUnless(shape.Rank == 3, $"x has shape {shape}, expected {3} extents.", "Blur"));
        Assert.Equal("Blur: x has shape [2, 3], expected 3 extents.", fault.Message);
    }

    [Fact]
    public void No_message_is_put_together_while_the_shapes_fit()
    {
        int asked = 0;
        ShapeException.ThrowUnless(true, $"asked {++asked} times.");
        Assert.Equal(0, asked);
    }
}
