using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Formats;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// What an adapter's folder says about the base that it was trained on, where that was quantised: a file beside PEFT's, which knows no place for it.
/// The adapter is opened on a base of the same kind again, so that it gives what it gave in training.
/// </summary>
public static class QuantizedBase
{
    /// <summary>The file's name.</summary>
    public const string FileName = "base_quantization.json";

    private const string Nf4Name = "nf4";

    /// <summary>Writes the file; nothing for a base that was not quantised.</summary>
    public static void Write(string folder, WeightQuantization? quantization)
    {
        if (quantization is not null)
        {
            IndentedJson.Write(Path.Combine(folder, FileName), Describe(quantization));
        }
    }

    /// <summary>The base that the adapter in <paramref name="folder"/> was trained on; null where it was not quantised.</summary>
    /// <exception cref="CheckpointException">The file is malformed, or names a kind that is not known.</exception>
    public static WeightQuantization? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        ModelConfig file = ModelConfig.Read(path);
        return file.GetString("kind") == Nf4Name
            ? new WeightQuantization(DType.NF4, file.GetStrings("keep") ?? [])
            : throw new CheckpointException(ErrorCodes.AdapterUnsupported, path, $"the base was quantised as '{file.GetString("kind")}', which is not known here. Known is {Nf4Name}", "Remove the file to open the adapter on the base as it is");
    }

    /// <summary>The quantisation as JSON, for files and records.</summary>
    internal static JsonObject Describe(WeightQuantization quantization)
    {
        ArgumentNullException.ThrowIfNull(quantization);
        return new JsonObject
        {
            ["kind"] = Nf4Name,
            ["blockSize"] = Nf4.BlockSize,
            ["scaleBlockSize"] = Nf4.ScaleBlockSize,
            ["keep"] = new JsonArray([.. quantization.Keep.Select(name => JsonValue.Create(name))]),
        };
    }
}
