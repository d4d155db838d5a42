using Hieno.Tensors;
using Hieno.Training;

namespace Hieno.Tests.Training;

public sealed class LogisticRegressionTests
{
    private static readonly float[] s_rows = [1, 0.5f, 0.2f, -1, -1, 0.3f, 0.4f, 1.5f, -0.7f, -0.8f, 1.2f, -0.4f, -0.3f, 0.9f];
    private static readonly int[] s_classes = [0, 1, 2, 0, 1, 0, 2];

    public static TheoryData<double, double[]> Fits => new()
    {
        // scikit-learn 1.2.1, LogisticRegression(C, multi_class='multinomial', tol=1e-12)
        { 0.1, [0.195411, 0.097314, -0.060796, -0.180294, -0.134615, 0.082979, 0.234955, -0.106663, -0.128291] },
        { 10, [2.509304, 1.098873, -0.689325, -2.230387, -1.81998, 1.131514, -0.036002, 0.018513, 0.017489] },
    };

    [Theory]
    [MemberData(nameof(Fits))]
    public void Weights_and_offsets_are_those_of_scikit_learn(double strength, double[] expected)
    {
        Tensor rows = Tensor.FromValues([7, 2], s_rows);
        double[] weights = new double[9];
        var regression = new LogisticRegression(rows, s_classes, classCount: 3, hasOffset: true);
        regression.Fit(weights, strength, iterations: 500);
        Assert.All(expected.Zip(weights), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
        Assert.InRange(regression.Accuracy(weights, rows, s_classes), 4.0 / 7, 1);
    }
}
