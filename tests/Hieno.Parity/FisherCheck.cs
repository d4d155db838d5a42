using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tuning;

namespace Hieno.Parity;

/// <summary>The Fisher information of a BERT's normalisation layers against the reference's: at most 1e-5 of a weight's largest entry off.</summary>
internal static class FisherCheck
{
    private const double RelativeLimit = 1e-5;

    /// <summary>Compares every weight of the file.</summary>
    public static IEnumerable<Measurement> Run(string path)
    {
        var expected = TensorFile.Read(path);
        Fixture fixture = AlignFixture.BaseOf(path, "bert_seqcls");
        var subject = Subject.Load(fixture);
        TunedModel tuned = new NormsOptions { TrainHead = false }.Create().Apply(subject.Model, seed: 0);
        (TokenBatch rows, int[] labels) = (fixture.Batch.Tokens, fixture.Batch.Labels);
        int[] first = rows.FirstTokens();
        float[][] information = FisherInformation.Compute(tuned.Trainable, rows.Rows, row =>
        {
            Range range = first[row]..(first[row] + rows.Lengths[row]);
            var batch = new TokenBatch(rows.Ids[range], [rows.Lengths[row]]) { TokenTypes = rows.TokenTypes?[range] };
            return Ops.CrossEntropy(subject.Text.Classify(batch), [labels[row]]);
        });

        if (!tuned.Trainable.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal).SetEquals(expected.Names))
        {
            throw new FixtureException($"{path}: the reference has [{string.Join(", ", expected.Names)}], we have [{string.Join(", ", tuned.Trainable.Select(parameter => parameter.Name))}].");
        }

        (double worst, string? where) = (0, null);
        for (int i = 0; i < information.Length; i++)
        {
            float[] reference = expected.Floats(tuned.Trainable[i].Name);
            double error = Difference.LargestAbsolute(information[i], reference) / reference.Max();
            if (!(error <= worst))
            {
                (worst, where) = (error, tuned.Trainable[i].Name);
            }
        }

        yield return new Measurement("fisher", worst, RelativeLimit, where);
    }
}
