using Hieno.Models;
using Hieno.Models.Vision.Clip;
using Hieno.Objectives;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tests.Vision;

namespace Hieno.Tests.Objectives;

/// <summary>The loss of pictures and texts that are to find each other.</summary>
public sealed class ContrastiveLossTests
{
    private const int Width = 6;

    [Theory]
    [InlineData(0, 1, 2, 3)] // all texts differ: CLIP's loss
    [InlineData(0, 1, 0, 2)] // two pictures have the same text
    [InlineData(0, 0, 0, 0)]
    public void Value_is_that_of_the_formula_in_double_precision(params int[] textOf)
    {
        (ClipModel model, Tensor pictures, Tensor texts) = (TinyClip.Model(), Units(4, 1), Units(textOf.Max() + 1, 2));
        double factor = Math.Exp(1.5);
        double[,] logits = new double[4, 4];
        for (int i = 0; i < 4; i++)
        {
            for (int j = 0; j < 4; j++)
            {
                logits[i, j] = factor * Enumerable.Range(0, Width).Sum(c => (double)pictures.Row(i)[c] * texts.Row(textOf[j])[c]);
            }
        }

        double expected = 0;
        for (int i = 0; i < 4; i++)
        {
            int[] right = [.. Enumerable.Range(0, 4).Where(j => textOf[j] == textOf[i])];
            double bySum = Enumerable.Range(0, 4).Sum(j => Math.Exp(logits[i, j]));
            double ofSum = Enumerable.Range(0, 4).Sum(j => Math.Exp(logits[j, i]));
            expected -= 0.5 * right.Average(j => logits[i, j] - Math.Log(bySum));
            expected -= 0.5 * right.Average(j => logits[j, i] - Math.Log(ofSum));
        }

        Assert.Equal(expected * 0.25, ContrastiveLoss.Of(model, pictures, texts, textOf, 0.25f).Item(), 1e-5);
    }

    [Fact]
    public void Gradients_agree_with_differences()
    {
        ClipModel model = TinyClip.Model();
        (Tensor pictures, Tensor texts) = (Units(4, 1), Units(3, 2));
        Parameter scale = model.Head.LogitScale;
        scale.Trainable = true;
        GradientCheck.Verify(
            new GradientCheckOptions(), () => ContrastiveLoss.Of(model, pictures, texts, [0, 1, 0, 2], 1f), ("pictures", pictures), ("texts", texts), ("scale", scale.Value));
    }

    private static Tensor Units(int count, ulong seed)
    {
        Tensor rows = Tensor.CreateLongLived([count, Width]);
        new Rng(seed, RngStream.Initialization).FillNormal(rows.Span, 0f, 1f, 5);
        for (int row = 0; row < count; row++)
        {
            float length = MathF.Sqrt(rows.Row(row).ToArray().Sum(x => x * x));
            foreach (ref float number in rows.Row(row))
            {
                number /= length;
            }
        }

        return rows;
    }
}
