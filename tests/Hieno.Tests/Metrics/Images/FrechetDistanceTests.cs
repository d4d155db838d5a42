using System.Text.Json;
using Hieno.Formats;
using Hieno.Metrics;
using Hieno.Metrics.Images;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Metrics.Images;

public sealed class FrechetDistanceTests
{
    [SkippableFact]
    [Trait("tier", "golden")]
    public void Every_case_has_the_distance_that_pytorch_fid_computes()
    {
        GoldenFile activations = GoldenFile.Require("golden/metrics/fid.safetensors");
        using var document = JsonDocument.Parse(File.ReadAllText(SharedFolder.Require("golden/metrics/fid.json")));
        int compared = 0;
        foreach (var test in document.RootElement.GetProperty("cases").EnumerateObject())
        {
            int width = test.Value.GetProperty("dim").GetInt32();
            double expected = test.Value.GetProperty("fid").GetDouble();
            double actual = FrechetDistance.Compute(new FeatureSet("golden", width, activations[$"{test.Name}.a"]), new FeatureSet("golden", width, activations[$"{test.Name}.b"]));
            double tolerance = test.Name switch { "identical" => 1e-6, "singular" => 1e-7 * expected, _ => 1e-10 * expected }; // much less than the reference's page allows
            Assert.True(Math.Abs(actual - expected) <= tolerance, $"{test.Name}: {actual} instead of {expected}");
            compared++;
        }

        Assert.Equal(5, compared);
    }

    // Two normal distributions in the plane, whose distance is known in closed form (computed with scipy's matrix root).
    [Fact]
    public void The_distance_of_two_clouds_with_known_covariances_is_the_formula_s()
    {
        FeatureSet first = Cloud([0, 0], [2, 0.5, 0.5, 1]);
        FeatureSet second = Cloud([1, -1], [1, -0.2, -0.2, 0.5]);
        Assert.Equal(2.453057527, FrechetDistance.Compute(first, second), 1e-6);
        Assert.Equal(FrechetDistance.Compute(first, second), FrechetDistance.Compute(second, first), 1e-12);
    }

    [Theory]
    [InlineData(40, 12)] // more pictures than features
    [InlineData(12, 40)] // fewer
    public void Features_without_variance_change_nothing(int pictures, int width)
    {
        float[] some = Noise(pictures * width, 1);
        float[] other = Noise(pictures * width, 2);
        double plain = FrechetDistance.Compute(new FeatureSet("net", width, some), new FeatureSet("net", width, other));
        double padded = FrechetDistance.Compute(new FeatureSet("net", width + 3, Padded(some, width)), new FeatureSet("net", width + 3, Padded(other, width)));
        Assert.Equal(plain, padded, 1e-9 * plain);
        Assert.InRange(FrechetDistance.Compute(new FeatureSet("net", width, some), new FeatureSet("net", width, some)), 0, 1e-6 * width);
    }

    [Fact]
    public void A_distance_between_two_networks_features_is_refused()
    {
        var error = Assert.Throws<MetricException>(() => FrechetDistance.Compute(new FeatureSet("inception", 2, Noise(8, 1)), new FeatureSet("darknet", 2, Noise(8, 1))));
        Assert.Equal(ErrorCodes.MetricWrongKind, error.Code);
        Assert.Contains("2 features of inception, the other 2 of darknet", error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.MetricEmpty, Assert.Throws<MetricException>(() => new FeatureSet("net", 4, Noise(4, 1))).Code);
        Assert.Equal(ErrorCodes.MetricNotFinite, Assert.Throws<MetricException>(() => new FeatureSet("net", 2, [1, 2, 3, float.NaN])).Code);
        var warnings = new MetricWarnings();
        FrechetDistance.Compute(new FeatureSet("net", 4, Noise(12, 1)), new FeatureSet("net", 4, Noise(400, 1)), warnings);
        Assert.Contains("3 pictures for 4 features", warnings.Single(), StringComparison.Ordinal);
    }

    // Points with exactly this mean and (unbiased) covariance: ±√(3/2) times the columns of its Cholesky factor, four points in all.
    private static FeatureSet Cloud(double[] mean, double[] covariance)
    {
        double l = Math.Sqrt(covariance[0]);
        double m = covariance[1] / l;
        double n = Math.Sqrt(covariance[3] - (m * m));
        double r = Math.Sqrt(1.5);
        (double X, double Y)[] offsets = [(l * r, m * r), (-l * r, -m * r), (0, n * r), (0, -n * r)];
        return new FeatureSet("plane", 2, [.. offsets.SelectMany(offset => (float[])[(float)(mean[0] + offset.X), (float)(mean[1] + offset.Y)])]);
    }

    private static float[] Padded(float[] rows, int width) => [.. rows.Chunk(width).SelectMany(row => (float[])[5, .. row, 0, 0])];

    private static float[] Noise(int count, ulong seed)
    {
        float[] noise = new float[count];
        new Rng(seed, RngStream.Initialization).FillNormal(noise, 0.3f * seed, 1, 0);
        return noise;
    }
}
