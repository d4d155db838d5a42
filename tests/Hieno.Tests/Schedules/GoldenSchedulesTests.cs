using System.Text.Json;
using Hieno.Schedules;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Schedules;

// Learning rates written by Hugging Face transformers, step by step and one step beyond the end.
public sealed class GoldenSchedulesTests
{
    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("constant")]
    [InlineData("constant_with_warmup")]
    [InlineData("linear")]
    [InlineData("cosine")]
    [InlineData("cosine_with_min_lr")]
    [InlineData("cosine_with_restarts")]
    [InlineData("polynomial")]
    [InlineData("inverse_sqrt")]
    [InlineData("warmup_stable_decay")]
    public void Every_step_has_the_learning_rate_of_the_reference(string name)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(SharedFolder.Require("golden/misc/schedules.json")));
        JsonElement entry = file.RootElement.GetProperty(name);
        double baseRate = entry.GetProperty("base_lr").GetDouble();
        JsonElement settings = entry.GetProperty("kwargs");
        ScheduleOptions options = name switch
        {
            "constant" or "constant_with_warmup" => new ConstantScheduleOptions(),
            "linear" => new LinearScheduleOptions(),
            "cosine" => new CosineScheduleOptions(),
            "cosine_with_min_lr" => new CosineScheduleOptions { MinRatio = settings.GetProperty("min_lr_rate").GetDouble() },
            "cosine_with_restarts" => new CosineRestartsScheduleOptions { Cycles = settings.GetProperty("num_cycles").GetInt32() },
            "polynomial" => new PolynomialScheduleOptions
            {
                Power = settings.GetProperty("power").GetDouble(),
                EndLearningRate = settings.GetProperty("lr_end").GetDouble(),
            },
            "inverse_sqrt" => new InverseSqrtScheduleOptions(),
            "warmup_stable_decay" => new WsdScheduleOptions
            {
                DecaySteps = settings.GetProperty("num_decay_steps").GetInt64(),
                MinRatio = settings.GetProperty("min_lr_ratio").GetDouble(),
                WarmupMinRatio = 0, // the release that wrote the file rose from 0
            },
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No schedule for this entry."),
        };

        ISchedule schedule = options.Create(new ScheduleContext(entry.GetProperty("total").GetInt64(), entry.GetProperty("warmup").GetInt64(), baseRate));
        double[] expected = [.. entry.GetProperty("lr").EnumerateArray().Select(e => e.GetDouble())];
        Assert.Equal(22, expected.Length);
        for (int step = 0; step < expected.Length; step++)
        {
            Assert.Equal(expected[step], baseRate * schedule.Factor(step), 1e-15);
        }
    }
}
