using System.Text.Json;
using Hieno.Tests.Shared;
using static Hieno.Tensors.Ops;

namespace Hieno.Tensors.Tests.Ops;

/// <summary>Operations on pictures, forward and backward, beside PyTorch's in double precision (golden/vision_ops).</summary>
public sealed class GoldenVisionTests
{
    [SkippableFact]
    [Trait("tier", "golden")]
    public void Convolutions_are_the_reference_s() => Assert.Equal(24, Run("conv", (test, golden) =>
    {
        JsonElement settings = test.Settings;
        bool sequence = settings.GetProperty("op").GetString() == "conv1d";
        Tensor x = test.Pictures("input");
        Tensor weight = test.Leaf("weight", sequence ? Insert(golden.ShapeOf($"{test.Name}.weight"), 2, 1) : golden.ShapeOf($"{test.Name}.weight"));
        Tensor? bias = test.LeafOrNull("bias");
        int groups = settings.GetProperty("groups").GetInt32();
        (SlidingAxis down, SlidingAxis across) = (Axis(settings, 0, weight.Shape[2], sequence), Axis(settings, 1, weight.Shape[3], sequence));
        if (settings.GetProperty("op").GetString() != "conv_transpose2d")
        {
            return Convolution(x, weight, bias, down, across, groups);
        }

        int extra = settings.GetProperty("output_padding").GetInt32();
        return ConvolutionTransposed(x, weight, bias, down, across, groups, extra, extra);
    }));

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Pooling_is_the_reference_s() => Assert.Equal(25, Run("pool", (test, _) =>
    {
        JsonElement settings = test.Settings;
        Tensor x = test.Pictures("input");
        (PoolSide down, PoolSide across) = (Side(settings, 0, x.Shape[1]), Side(settings, 1, x.Shape[2]));
        return settings.GetProperty("op").GetString()!.Contains("max", StringComparison.Ordinal)
            ? MaxPool(x, down, across)
            : AveragePool(x, down, across, settings.TryGetProperty("divisor_override", out var divisor) ? divisor.GetInt32() : 0);
    }));

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Interpolation_is_the_reference_s() => Assert.Equal(37, Run("interpolate", (test, _) =>
    {
        Tensor x = test.Pictures("input");
        return Interpolate(x, Resampled(test.Settings, 0, x.Shape[1]), Resampled(test.Settings, 1, x.Shape[2]));
    }));

    [SkippableFact]
    [Trait("tier", "golden")]
    public void Normalisation_is_the_reference_s() => Assert.Equal(20, Run("norm", (test, golden) =>
    {
        JsonElement settings = test.Settings;
        string op = settings.GetProperty("op").GetString()!;
        float eps = settings.TryGetProperty("eps", out var given) ? given.GetSingle() : 0f;
        test.KeepsOrder = op == "layer_norm";
        Tensor x = test.Pictures("input");
        (Tensor? gain, Tensor? bias) = (test.LeafOrNull("weight"), test.LeafOrNull("bias"));
        return op switch
        {
            "batch_norm" => Batches(test, x, gain, bias, eps),
            "group_norm" => GroupNorm(x, settings.GetProperty("num_groups").GetInt32(), gain, bias, eps),
            "instance_norm" => GroupNorm(x, x.Columns, gain, bias, eps),
            "local_response_norm" => LocalResponseNorm(
                x, settings.GetProperty("size").GetInt32(), settings.GetProperty("alpha").GetSingle(), settings.GetProperty("beta").GetSingle(), settings.GetProperty("k").GetSingle()),
            _ => LayerNorm(Reshape(x, [(int)(x.Count / gain!.Count), (int)gain.Count]), Reshape(gain, [(int)gain.Count]), bias is null ? null : Reshape(bias, [(int)bias.Count]), eps),
        };
    }));

    private static Tensor Batches(Case test, Tensor x, Tensor? gain, Tensor? bias, float eps)
    {
        JsonElement settings = test.Settings;
        (Tensor mean, Tensor variance) = (test.State("running_mean"), test.State("running_var"));
        if (!settings.GetProperty("training").GetBoolean())
        {
            return BatchNormFixed(x, gain, bias, mean, variance, eps);
        }

        int calls = settings.GetProperty("calls").GetInt32();
        Tensor y = x;
        for (int call = 0; call < calls; call++)
        {
            float momentum = settings.GetProperty("momentum").ValueKind == JsonValueKind.Null ? 1f / (call + 1) : settings.GetProperty("momentum").GetSingle();
            y = BatchNorm(call == 0 ? x : Scale(x, 1.5f), gain, bias, mean, variance, momentum, eps);
        }

        test.Expect("after_running_mean", mean);
        test.Expect("after_running_var", variance);
        return y;
    }

    private static ResampleSide Resampled(JsonElement settings, int side, int length)
    {
        double? factor = settings.TryGetProperty("scale_factor", out var scale) ? scale.GetDouble() : null;
        int places = factor is { } times ? (int)(length * times) : Of(settings, "size", side, length);
        double? step = factor is null || settings.TryGetProperty("recompute_scale_factor", out _) ? null : 1 / factor;
        bool corners = settings.TryGetProperty("align_corners", out var align) && align.GetBoolean();
        bool smooths = settings.TryGetProperty("antialias", out var antialias) && antialias.GetBoolean();
        return settings.GetProperty("mode").GetString() switch
        {
            "nearest" => ResampleSide.Nearest(length, places, step),
            "nearest-exact" => ResampleSide.NearestExact(length, places, step),
            "area" => ResampleSide.Area(length, places),
            "bilinear" => smooths ? ResampleSide.AntialiasedLinear(length, places) : ResampleSide.Linear(length, places, corners, step),
            _ => smooths ? ResampleSide.AntialiasedCubic(length, places) : ResampleSide.Cubic(length, places, corners, step),
        };
    }

    private static int Run(string group, Func<Case, GoldenFile, Tensor> operation)
    {
        GoldenFile golden = GoldenFile.Require($"golden/vision_ops/{group}.safetensors");
        using var document = JsonDocument.Parse(File.ReadAllText(SharedFolder.Require("golden/vision_ops/cases.json")));
        int compared = 0;
        foreach (JsonProperty entry in document.RootElement.GetProperty("groups").GetProperty(group).EnumerateObject())
        {
            var test = new Case(entry.Name, entry.Value, golden);
            using Tape tape = Tape.Begin();
            Tensor y = operation(test, golden);
            test.Expect("output", y);
            tape.Backward(Sum(Mul(y, Tensor.FromValues(y.Shape, test.ChannelsLast("grad_output").Values))));
            foreach ((string name, Tensor leaf) in test.Leaves)
            {
                test.ExpectGradient(name, leaf);
            }

            compared++;
        }

        return compared;
    }

    private static SlidingAxis Axis(JsonElement settings, int side, int window, bool sequence)
    {
        if (sequence && side == 0)
        {
            return new SlidingAxis();
        }

        int dilation = Of(settings, "dilation", side, 1);
        return settings.GetProperty("padding").ValueKind == JsonValueKind.String
            ? SlidingAxis.Same(window, dilation)
            : SlidingAxis.Padded(Of(settings, "stride", side, 1), Of(settings, "padding", side, 0), dilation);
    }

    private static PoolSide Side(JsonElement settings, int side, int length)
    {
        if (settings.TryGetProperty("output_size", out _))
        {
            return PoolSide.Adaptive(length, Of(settings, "output_size", side, length));
        }

        int window = Of(settings, "kernel_size", side, 0);
        var axis = SlidingAxis.Padded(Of(settings, "stride", side, window), Of(settings, "padding", side, 0), Of(settings, "dilation", side, 1));
        bool roundUp = settings.TryGetProperty("ceil_mode", out var ceil) && ceil.GetBoolean();
        bool countPadding = !settings.TryGetProperty("count_include_pad", out var count) || count.GetBoolean();
        return PoolSide.Sliding(length, window, axis, roundUp, countPadding);
    }

    // A setting that is one number for both sides, or one for each; null in a list leaves the side as it is.
    private static int Of(JsonElement settings, string name, int side, int otherwise)
    {
        if (!settings.TryGetProperty(name, out var value))
        {
            return otherwise;
        }

        value = value.ValueKind == JsonValueKind.Array ? value[side] : value;
        return value.ValueKind == JsonValueKind.Null ? otherwise : value.GetInt32();
    }

    private static int[] Insert(int[] shape, int at, int extent) => [.. shape[..at], extent, .. shape[at..]];

    /// <summary>One case: its tensors with channels last, what was made of them, and how close the reference's own single precision comes.</summary>
    private sealed class Case(string name, JsonElement settings, GoldenFile golden)
    {
        public string Name => name;

        public JsonElement Settings => settings;

        public List<(string Name, Tensor Leaf)> Leaves { get; } = [];

        /// <summary>True where the last extent is what is normalised, not pixels.</summary>
        public bool KeepsOrder { get; set; }

        public Tensor Pictures(string part)
        {
            (int[] shape, float[] values) = ChannelsLast(part);
            return Add(part, shape, values);
        }

        public Tensor Leaf(string part, int[]? shape = null) => Add(part, shape ?? golden.ShapeOf($"{name}.{part}"), golden[$"{name}.{part}"]);

        public Tensor? LeafOrNull(string part) => golden.Names.Contains($"{name}.{part}") ? Leaf(part) : null;

        public Tensor State(string part)
        {
            Tensor state = Tensor.CreateLongLived(Shape.Create(golden.ShapeOf($"{name}.{part}")));
            state.Backend.CopyFromHost(golden[$"{name}.{part}"], state);
            return state;
        }

        // [N, C, H, W], [N, C, L] or [N, C] as [N, H, W, C] with sides of 1 where there are none.
        public (int[] Shape, float[] Values) ChannelsLast(string part)
        {
            int[] stored = golden.ShapeOf($"{name}.{part}");
            int[] extents = stored.Length switch { 4 => stored, 3 => Insert(stored, 2, 1), _ => [.. stored, 1, 1] };
            float[] values = golden[$"{name}.{part}"];
            if (KeepsOrder)
            {
                return (stored, values);
            }

            float[] turned = new float[values.Length];
            int pixels = extents[2] * extents[3];
            for (int i = 0; i < values.Length; i++)
            {
                (int rest, int pixel) = Math.DivRem(i, pixels);
                (int image, int channel) = Math.DivRem(rest, extents[1]);
                turned[(((image * pixels) + pixel) * extents[1]) + channel] = values[i];
            }

            return ([extents[0], extents[2], extents[3], extents[1]], turned);
        }

        public void Expect(string part, Tensor actual) => Compare(part, Reference(part, golden.ShapeOf($"{name}.{part}").Length > 1), actual);

        public void ExpectGradient(string part, Tensor leaf) => Compare($"grad_{part}", Reference($"grad_{part}", part == "input"), leaf.Grad!);

        private float[] Reference(string part, bool pictures) => pictures ? ChannelsLast(part).Values : golden[$"{name}.{part}"];

        private Tensor Add(string part, int[] shape, float[] values)
        {
            Tensor leaf = Tensor.CreateLongLived(Shape.Create(shape));
            leaf.Backend.CopyFromHost(values, leaf);
            leaf.NeedsGrad = true;
            Leaves.Add((part, leaf));
            return leaf;
        }

        private void Compare(string part, float[] expected, Tensor actual)
        {
            Assert.Equal(expected.Length, actual.Count);
            double floor = settings.GetProperty("fp32_vs_fp64").TryGetProperty(part, out var noise) ? noise.GetDouble() : 0;
            double allowed = Math.Max(30 * floor, 1e-6 * expected.Max(Math.Abs));
            float[] values = actual.ToArray();
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.True(Math.Abs(expected[i] - values[i]) <= allowed, $"{name}.{part}[{i}] is {values[i]:R}, expected {expected[i]:R} ± {allowed:g2}.");
            }
        }
    }
}
