using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class ElementMaskTests
{
    [Fact]
    public void Elements_outside_the_mask_stay_bit_identical_under_weight_decay_and_the_others_move()
    {
        TextModel model = TinyTuning.Classifier("gpt2");
        TunedModel tuned = new FullOptions().Create().Apply(model, seed: 0);
        Parameter matrix = tuned.Trainable.First(parameter => parameter.Name.EndsWith("c_fc.weight", StringComparison.Ordinal));
        bool[] learns = [.. Enumerable.Range(0, (int)matrix.Count).Select(i => i % 3 == 0)];
        var mask = new ElementMask(matrix, learns);
        tuned.Restrict([mask]);
        float[] before = matrix.Value.ToArray();

        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, 2, weightDecay: 0.5));
        for (int step = 0; step < 3; step++)
        {
            TinyTuning.Differentiate(tuned);
            mask.MaskGradient();
            float[] gradient = matrix.Value.Grad!.ToArray();
            Assert.All(Enumerable.Range(0, learns.Length).Where(i => !learns[i]), i => Assert.Equal(0, gradient[i]));
            optimizer.Step(0.02, gradientScale: 1);
            mask.RestoreValues();
        }

        float[] after = matrix.Value.ToArray();
        Assert.All(Enumerable.Range(0, learns.Length), i => Assert.Equal(learns[i], before[i] != after[i]));
        Assert.Equal(learns.Count(learn => learn), mask.LearningCount);
        Assert.Equal(tuned.Trainable.Sum(parameter => parameter.Count) - learns.Count(learn => !learn), tuned.TrainableCount);
    }

    [Fact]
    public void A_mask_of_another_length_is_refused()
    {
        Parameter any = TinyTuning.Language("gpt2").Parameters().First();
        Assert.Throws<ArgumentException>(() => new ElementMask(any, [true]));
    }
}
