using Hieno.Models.Vision.Clip;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>
/// The contrastive loss of pictures and their texts: each picture is to find its text among those of the batch, and each text its picture. Where several
/// pictures have the same text, each of these texts is right, with equal parts; where all texts differ it is CLIP's loss.
/// </summary>
/// <remarks>
/// Radford et al. 2021, <see href="https://arxiv.org/abs/2103.00020"/>, figure 3; several right ones: Yang et al. 2022,
/// <see href="https://arxiv.org/abs/2204.03610"/>, equations 2 to 4.
/// </remarks>
internal static class ContrastiveLoss
{
    /// <summary>The sum over pairs of the mean of both losses, times a factor.</summary>
    /// <param name="model">The model.</param>
    /// <param name="pictures">Vectors of N pictures, of length 1, [N, D].</param>
    /// <param name="texts">Vectors of the different texts, of length 1, [M, D].</param>
    /// <param name="textOf">The text of each picture, [N].</param>
    /// <param name="scale">The factor.</param>
    /// <returns>[1].</returns>
    public static Tensor Of(ClipModel model, Tensor pictures, Tensor texts, int[] textOf, float scale)
    {
        ArgumentNullException.ThrowIfNull(model);
        Tensor logits = model.Head.Forward(pictures, Ops.Rows(texts, textOf)); // [N, N]
        return Ops.Add(ToRight(logits, textOf, scale / 2), ToRight(Ops.Transpose(logits), textOf, scale / 2));
    }

    // Each row is read once for each of its right columns, with equal parts that add up to 1.
    private static Tensor ToRight(Tensor logits, int[] textOf, float scale)
    {
        (int Row, int Column)[] right = [.. Enumerable.Range(0, textOf.Length).SelectMany(row => Enumerable.Range(0, textOf.Length).Where(column => textOf[column] == textOf[row]).Select(column => (row, column)))];
        ILookup<int, int> rows = textOf.ToLookup(text => text);
        float[] parts = Array.ConvertAll(right, pair => 1f / rows[textOf[pair.Row]].Count());
        return Ops.CrossEntropy(Ops.Rows(logits, Array.ConvertAll(right, pair => pair.Row)), Array.ConvertAll(right, pair => pair.Column), parts, scale);
    }
}
