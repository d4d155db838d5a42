using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hieno.Tensors;

namespace Hieno.Models.Tests.Vision;

/// <summary>Weights, pictures and labels that are computed from their names: networks of torchvision are too large to be stored (golden/torchvision/FORMULA.md).</summary>
internal sealed class FormulaWeights(JsonElement meta) : WeightSource
{
    private readonly ulong _seed = meta.GetProperty("seed").GetUInt64();
    private readonly (Regex Name, float Center)[] _rules =
        [.. meta.GetProperty("bn_weight_rules").EnumerateArray().Select(rule => (new Regex(rule[0].GetString()!, RegexOptions.None, TimeSpan.FromSeconds(1)), rule[1].GetSingle()))];

    /// <summary>The names that were asked for.</summary>
    public List<string> Names { get; } = [];

    /// <inheritdoc/>
    public override bool Has(string name) => true;

    /// <inheritdoc/>
    public override Tensor Take(string name, Shape shape, Initializer initializer, bool mayBeNew)
    {
        Names.Add(name);
        Tensor tensor = Tensor.CreateLongLived(shape);
        Span<float> values = tensor.Span;
        ulong hash = Hash(name) ^ _seed;
        int fan = shape.Rank > 1 ? (int)(shape.Count / shape[0]) : 0;
        float scale = fan > 0 ? (float)Math.Sqrt(6.0 / fan) : 0f;
        float center = Array.Find(_rules, rule => rule.Name.IsMatch(name)) is { Name: not null } rule ? rule.Center : 1f;
        for (int i = 0; i < values.Length; i++)
        {
            float v = Centered(hash, i);
            values[i] = fan > 0 ? v * scale
                : name.EndsWith("running_var", StringComparison.Ordinal) ? 1f + (0.5f * v)
                : name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith(".bias", StringComparison.Ordinal) ? 0.1f * v
                : center + (0.25f * center * v);
        }

        GC.KeepAlive(tensor);
        return tensor;
    }

    /// <summary>The pictures [N, C, H, W], given channels last.</summary>
    /// <param name="shape">N, C, H, W.</param>
    /// <param name="isUnit">True for numbers from 0 to 1, false for −2 to 2.</param>
    public Tensor Pictures(int[] shape, bool isUnit = false)
    {
        (int channels, int pixels) = (shape[1], shape[2] * shape[3]);
        ulong hash = Hash("input") ^ _seed;
        Tensor tensor = Tensor.CreateLongLived([shape[0], shape[2], shape[3], channels]);
        Span<float> values = tensor.Span;
        for (int i = 0; i < values.Length; i++)
        {
            (int plane, int pixel) = Math.DivRem(i, pixels);
            (int image, int channel) = Math.DivRem(plane, channels);
            values[(((image * pixels) + pixel) * channels) + channel] = isUnit ? Bits(hash, i) / 16777216f : 2f * Centered(hash, i);
        }

        GC.KeepAlive(tensor);
        return tensor;
    }

    /// <summary>One number that depends on every element and on their order.</summary>
    public static double Probe(string name, ReadOnlySpan<float> values)
    {
        ulong hash = Hash(name + "#probe");
        double sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            sum += (double)values[i] * Centered(hash, i);
        }

        return sum;
    }

    private static float Centered(ulong hash, int index) => (Bits(hash, index) * (1f / 8388608f)) - 1f;

    private static uint Bits(ulong hash, int index)
    {
        ulong z = hash + ((ulong)(index + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (uint)((z ^ (z >> 31)) >> 40);
    }

    private static ulong Hash(string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        return hash;
    }
}
