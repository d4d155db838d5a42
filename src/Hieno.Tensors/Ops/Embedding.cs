namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Looks up a vector for each id.</summary>
    /// <param name="table">[V, C]: one row for each id; a 16-bit table cannot be trained.</param>
    /// <param name="ids">Ids from 0 to V − 1.</param>
    /// <returns>[ids.Length, C], 32-bit.</returns>
    /// <exception cref="ShapeException"><paramref name="table"/> is not a matrix.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative or not below V.</exception>
    /// <exception cref="ArgumentException">The table needs a gradient but is stored in 16 bits.</exception>
    public static Tensor Embedding(Tensor table, int[] ids)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(ids);
        ShapeException.ThrowUnless(table.Shape.Rank == 2, $"table has shape {table.Shape}, expected [V, C].");
        int vocabulary = table.Shape[0];
        for (int i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)vocabulary)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(ids), ids[i], $"Embedding: id {ids[i]} at position {i} is outside the vocabulary of {vocabulary}. Use the tokenizer that belongs to the model.");
            }
        }

        return Gather(table, ids, "Embedding");
    }
}
