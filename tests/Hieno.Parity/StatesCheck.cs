using Hieno.Tensors;

namespace Hieno.Parity;

/// <summary>
/// What each stage of a vision model gives against the reference's hidden states: at most 30 times the noise of its logits off, or 1e-5 of the
/// state's largest number. The reference shows the ends of stages, we those of all blocks, in the same order.
/// </summary>
internal static class StatesCheck
{
    private const double RelativeLimit = 1e-5;

    /// <summary>Looks for each hidden state among ours; the value is the largest difference in units of what is allowed.</summary>
    /// <exception cref="FixtureException">A state of this size does not follow.</exception>
    public static Measurement Run(Fixture fixture, Subject subject)
    {
        using var tape = Tape.Begin(record: false);
        float[][] ours = [.. subject.Vision.Backbone.States(fixture.Batch.Images!).Select(state => state.ToArray())];
        (double worst, string? where, int next) = (0, null, 0);
        for (int i = 0; fixture.Expected.Has($"eval.hidden_states.{i}"); i++)
        {
            string name = $"eval.hidden_states.{i}";
            float[] expected = fixture.Expected.ChannelsLast(name);
            int[] candidates = [.. Enumerable.Range(next, ours.Length - next).Where(state => ours[state].Length == expected.Length)];
            if (candidates.Length == 0)
            {
                throw new FixtureException($"{fixture.Folder}: no state of ours from number {next} on has the size of {name}.");
            }

            next = candidates.MinBy(state => Difference.LargestAbsolute(ours[state], expected));
            double allowed = Math.Max(LogitsCheck.Limit(fixture), RelativeLimit * expected.Max(Math.Abs));
            double error = Difference.LargestAbsolute(ours[next], expected) / allowed;
            if (!(error <= worst))
            {
                (worst, where) = (error, name);
            }
        }

        return new Measurement("states", worst, 1, where);
    }
}
