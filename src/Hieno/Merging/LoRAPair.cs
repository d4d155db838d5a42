using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Tuning;

namespace Hieno.Merging;

/// <summary>The pair of one layer: its change is s·BA, with A [r, in] and B [out, r] row by row in double precision.</summary>
/// <param name="NameA">A's name in the file.</param>
/// <param name="NameB">B's name in the file.</param>
/// <param name="A">A.</param>
/// <param name="B">B.</param>
/// <param name="Rank">r.</param>
/// <param name="Scale">s.</param>
internal sealed record LoRAPair(string NameA, string NameB, double[] A, double[] B, int Rank, double Scale)
{
    /// <summary>Inputs of the layer; rows of the table for a table's pair.</summary>
    public int In => A.Length / Rank;

    /// <summary>Outputs of the layer.</summary>
    public int Out => B.Length / Rank;

    /// <summary>The layer's path as a PEFT configuration writes it.</summary>
    public string Path
    {
        get
        {
            const string Prefix = "base_model.model.";
            string bare = NameA.StartsWith(Prefix, StringComparison.Ordinal) ? NameA[Prefix.Length..] : NameA;
            return bare[..^(Ending(bare)!.Length + 1)];
        }
    }

    /// <summary>The name of B beside an A, or null where the tensor is not the A of a pair.</summary>
    public static string? PartnerOf(string name) => Ending(name) switch
    {
        LoRALayout.PartA => name[..^LoRALayout.PartA.Length] + LoRALayout.PartB,
        LoRALayout.EmbeddingA => name[..^LoRALayout.EmbeddingA.Length] + LoRALayout.EmbeddingB,
        _ => null,
    };

    /// <summary>w·s·BA, [out, in].</summary>
    public double[] Product(double weight) => Matrices.Multiply(B, Array.ConvertAll(A, value => weight * Scale * value), Out, Rank, In);

    /// <summary>Reads a matrix of an adapter's file.</summary>
    /// <exception cref="CheckpointException">It is no matrix of floating-point numbers.</exception>
    public static double[] ReadMatrix(CheckpointFiles files, SafetensorsEntry entry)
    {
        if (!ElementType.IsNumber(entry.DType) || entry.Shape.Length != 2)
        {
            throw new CheckpointException(ErrorCodes.CheckpointShapeMismatch, entry.Name, $"the file has {entry.DType.Name()} [{string.Join(", ", entry.Shape)}], expected a matrix of floating-point numbers", "Give LoRA adapters of linear layers or tables") { Tensor = entry.Name };
        }

        double[] values = new double[entry.ElementCount];
        ElementType.Read(files.Bytes(entry), entry.DType, values);
        return values;
    }

    private static string? Ending(string name) => Array.Find([LoRALayout.PartA, LoRALayout.EmbeddingA], ending => name.EndsWith("." + ending, StringComparison.Ordinal));
}
