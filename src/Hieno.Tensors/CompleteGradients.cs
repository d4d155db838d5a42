namespace Hieno.Tensors;

/// <summary>When in a backward pass the gradients of leaves are complete.</summary>
internal static class CompleteGradients
{
    /// <summary>
    /// For each operation the leaves whose gradients are complete once it has run back: it was the first to read them. A checkpointed part may read any
    /// leaf, so none is complete before the earliest of these.
    /// </summary>
    /// <param name="nodes">The recorded operations, oldest first.</param>
    public static Dictionary<int, List<Tensor>> ByNode(IReadOnlyList<Backward> nodes)
    {
        var first = new Dictionary<Tensor, int>();
        int unseen = int.MaxValue;
        for (int i = 0; i < nodes.Count; i++)
        {
            unseen = nodes[i].ReadsUnseen ? Math.Min(unseen, i) : unseen;
            foreach (Tensor input in nodes[i].Inputs)
            {
                Tensor leaf = input.GradOwner ?? input;
                if (leaf is { NeedsGrad: true, Producer: null })
                {
                    first.TryAdd(leaf, i);
                }
            }
        }

        return first.GroupBy(item => Math.Min(item.Value, unseen), item => item.Key).ToDictionary(leaves => leaves.Key, leaves => leaves.ToList());
    }
}
