using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

public sealed class PrunedWeightsTests
{
    [Fact]
    public void The_heaviest_channels_are_kept_in_all_blocks_and_in_all_parts_of_a_joint_projection()
    {
        TextModel model = TinyTuning.Language("gpt2");
        int[] heavy = [1, 4, 5, 11];

        // Of every matrix inside the blocks the rows and columns of these channels are made large.
        foreach (Parameter parameter in model.Backbone.Parameters().Where(parameter => parameter.Depth > 0 && parameter.Base.Shape.Rank == 2))
        {
            float[] values = parameter.Base.ToArray();
            int columns = parameter.Base.Shape[1];
            for (int i = 0; i < values.Length; i++)
            {
                (int row, int column) = (i / columns, i % columns);
                values[i] = (heavy.Contains(row) ? 10 : 1) * (heavy.Contains(column) ? 10 : 1) + (0.001f * i);
            }

            parameter.Base.Backend.CopyFromHost(values, parameter.Base);
        }

        var pruned = new PrunedWeights(model, narrow: 4);
        float[] joint = pruned.Take("ladder.transformer.h.1.attn.c_attn.weight", [4, 12], Initializer.Zeros, false).ToArray();
        float[] wide = model.Parameters().Single(parameter => parameter.Name == "transformer.h.1.attn.c_attn.weight").Base.ToArray();
        int[] inAllParts = [.. Enumerable.Range(0, 3).SelectMany(part => heavy.Select(channel => (part * 16) + channel))];
        Assert.Equal(heavy.SelectMany(row => inAllParts.Select(column => wide[(row * 48) + column])), joint);

        float[] into = pruned.Take("ladder.down.0.weight", [4, 16], Initializer.Zeros, false).ToArray();
        Assert.Equal(heavy, Enumerable.Range(0, 4).Select(row => Array.IndexOf(into[(row * 16)..((row + 1) * 16)], 1f)));
        float[] outOf = pruned.Take("ladder.up.weight", [16, 4], Initializer.Zeros, false).ToArray();
        Assert.Equal(4, outOf.Count(value => value == 1f));
        Assert.All(heavy.Select((channel, i) => outOf[(channel * 4) + i]), value => Assert.Equal(1f, value));
    }
}
