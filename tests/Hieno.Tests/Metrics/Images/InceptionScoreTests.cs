using System.Runtime.InteropServices;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Metrics;
using Hieno.Metrics.Images;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Metrics.Images;

public sealed class InceptionScoreTests
{
    [Fact]
    public void Pictures_that_all_look_alike_score_one_and_sure_ones_of_every_class_score_their_number()
    {
        float[] alike = [.. Enumerable.Repeat(new[] { 0.7f, 0.2f, 0.1f }, 20).SelectMany(row => row)];
        Assert.Equal(1, InceptionScore.Compute("net", alike, 3, parts: 2).Mean, 1e-7);
        float[] sure = [.. Enumerable.Range(0, 30).SelectMany(i => Enumerable.Range(0, 3).Select(k => k == i % 3 ? 1f : 0f))];
        InceptionScoreResult result = InceptionScore.Compute("net", sure, 3, parts: 10);
        Assert.Equal(3, result.Mean, 1e-7);
        Assert.Equal(0, result.Deviation, 1e-7);
        Assert.Equal("net", result.Classifier);
    }

    [Fact]
    public void Parts_are_consecutive_and_their_scores_give_mean_and_deviation()
    {
        // First half sure of two classes (score 2), second half of one (score 1): mean 1.5, population deviation 0.5.
        float[] rows = [1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0];
        InceptionScoreResult result = InceptionScore.Compute("net", rows, 2, parts: 2);
        Assert.Equal(1.5, result.Mean, 1e-7);
        Assert.Equal(0.5, result.Deviation, 1e-7);

        // By hand: p = (.9, .1) and (.2, .8), mean (.55, .45).
        double divergence = (0.9 * Math.Log(0.9 / 0.55)) + (0.1 * Math.Log(0.1 / 0.45)) + (0.2 * Math.Log(0.2 / 0.55)) + (0.8 * Math.Log(0.8 / 0.45));
        Assert.Equal(Math.Exp(divergence / 2), InceptionScore.Compute("net", [0.9f, 0.1f, 0.2f, 0.8f], 2, parts: 1).Mean, 1e-6);
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void The_reference_s_logits_give_the_reference_s_score()
    {
        using var expected = SafetensorsFile.Open(SharedFolder.Require("golden/torchvision/fid_inception_v3/expected.safetensors"));
        float[] logits = MemoryMarshal.Cast<byte, float>(expected.Bytes(expected.Entries["logits1008"])).ToArray();
        double score = MemoryMarshal.Cast<byte, double>(expected.Bytes(expected.Entries["inception_score_fp64"]))[0];
        float[] probabilities = [.. logits.Chunk(1008).SelectMany(row =>
        {
            double sum = row.Sum(logit => Math.Exp(logit - row.Max()));
            return row.Select(logit => (float)(Math.Exp(logit - row.Max()) / sum));
        })];
        Assert.Equal(score, InceptionScore.Compute("fid-inception-v3", probabilities, 1008, parts: 1).Mean, 1e-5);
    }

    [Fact]
    public void Too_few_pictures_and_numbers_that_are_no_probabilities_are_refused()
    {
        Assert.Equal(ErrorCodes.MetricEmpty, Assert.Throws<MetricException>(() => InceptionScore.Compute("net", [1, 0], 2)).Code);
        Assert.Equal(ErrorCodes.MetricNotFinite, Assert.Throws<MetricException>(() => InceptionScore.Compute("net", [1, 3], 2, parts: 1)).Code);
    }
}
