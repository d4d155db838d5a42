using System.Runtime.InteropServices;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Optimizers;

// Six steps of PyTorch's optimizers, and of Hugging Face's Adafactor, with given gradients.
public sealed class GoldenOptimizersTests
{
    private const int Steps = 6;
    private const double Tolerance = 5e-7;

    private static readonly (string Name, int[] Shape)[] All = [("w", [3, 5]), ("b", [7])];

    public static TheoryData<string, double, double, OptimizerOptions> Cases => new()
    {
        { "adamw", 0.01, 0.1, new AdamWOptions() },
        { "adamw_amsgrad", 0.01, 0.01, new AdamWOptions { AmsGrad = true } },
        { "adam", 0.01, 0.01, new AdamOptions { Beta2 = 0.99 } },
        { "adamax", 0.01, 0, new AdamaxOptions() },
        { "radam", 0.01, 0, new RAdamOptions() },
        { "adadelta", 1, 0, new AdadeltaOptions() },
        { "adagrad", 0.05, 0, new AdagradOptions { RateDecay = 0.01, InitialSum = 0.1 } },
        { "rmsprop", 0.01, 0, new RmsPropOptions { Momentum = 0.5, Centered = true } },
        { "rprop", 0.01, 0, new RpropOptions() },
        { "asgd", 0.05, 0, new AsgdOptions() },
        { "adafactor_relative", 1, 0, new AdafactorOptions { RelativeStep = true, WarmupInit = true } },
        { "adafactor_fixed_lr", 0.01, 0.01, new AdafactorOptions { Beta1 = 0.9, ScaleParameter = false } },
        { "sgd", 0.05, 0, new SgdOptions() },
        { "sgd_momentum", 0.05, 0.01, new SgdOptions { Momentum = 0.9, Dampening = 0.1 } },
        { "sgd_nesterov", 0.05, 0.01, new SgdOptions { Momentum = 0.9, Nesterov = true } },
    };

    [SkippableTheory]
    [Trait("tier", "golden")]
    [MemberData(nameof(Cases))]
    public void Six_steps_give_the_weights_of_the_reference(string name, double rate, double decay, OptimizerOptions options)
    {
        using var file = SafetensorsFile.Open(SharedFolder.Require("golden/misc/optimizers.safetensors"));
        var weights = Load(file);
        IOptimizer optimizer = options.Create([.. weights.Select(weight => new OptimizedParameter(weight, 1, decay))]);
        for (int step = 0; step < Steps; step++)
        {
            foreach (Parameter weight in weights)
            {
                Weights.SetGradients((weight, Read(file, $"grad{step}.{weight.Name}")));
            }

            optimizer.Step(rate, gradientScale: 1);
            Compare(file, weights, $"{name}.step{step}");
        }
    }

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Clipping_scales_the_gradients_of_the_reference()
    {
        using var file = SafetensorsFile.Open(SharedFolder.Require("golden/misc/optimizers.safetensors"));
        var weights = Load(file);
        foreach (Parameter weight in weights)
        {
            Weights.SetGradients((weight, Read(file, $"grad5.{weight.Name}")));
        }

        double norm = GradientClipping.Norm(weights);
        Assert.Equal(Read(file, "clip.total_norm")[0], norm, 1e-6);

        float scale = GradientClipping.Scale(norm, limit: 1);
        foreach (Parameter weight in weights)
        {
            float[] expected = Read(file, $"clip.{weight.Name}");
            float[] gradient = weight.Value.Grad!.ToArray();
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], scale * gradient[i], 1e-7);
            }
        }
    }

    private static List<Parameter> Load(SafetensorsFile file) =>
        [.. All.Select(item => Weights.Create(item.Name, Shape.Create(item.Shape), Read(file, $"init.{item.Name}")))];

    private static float[] Read(SafetensorsFile file, string name) => [.. MemoryMarshal.Cast<byte, float>(file.Bytes(file.Require(name)))];

    private static void Compare(SafetensorsFile file, List<Parameter> weights, string at)
    {
        foreach (Parameter weight in weights)
        {
            float[] expected = Read(file, $"{at}.{weight.Name}");
            float[] actual = weight.Value.ToArray();
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.True(Math.Abs(expected[i] - actual[i]) <= Tolerance, $"{at}.{weight.Name}[{i}]: {actual[i]}, expected {expected[i]}");
            }
        }
    }
}
