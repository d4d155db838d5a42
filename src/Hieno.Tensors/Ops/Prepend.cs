namespace Hieno.Tensors;

public static partial class Ops
{
    /// <summary>Puts all rows of <paramref name="head"/> before some rows of <paramref name="x"/>: virtual tokens before each text of a batch.</summary>
    /// <param name="head">[n, C].</param>
    /// <param name="x">[N, C]; rows may be strided.</param>
    /// <param name="before">The rows of <paramref name="x"/> before which they are put, rising; N puts them at the end.</param>
    /// <returns>[N + n · before.Length, C], a copy.</returns>
    /// <exception cref="ShapeException">The column numbers differ.</exception>
    /// <exception cref="ArgumentException">The rows do not rise, or lie outside of <paramref name="x"/>.</exception>
    public static Tensor Prepend(Tensor head, Tensor x, int[] before)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(before);
        DTypes.ThrowIfNotF32(head);
        DTypes.ThrowIfNotF32(x);
        ShapeException.ThrowIfLastIsNot(head, x.Columns);
        for (int i = 0; i < before.Length; i++)
        {
            if (before[i] < (i == 0 ? 0 : before[i - 1] + 1) || before[i] > x.Rows)
            {
                throw new ArgumentException($"Prepend: the rows [{string.Join(", ", before)}] must rise from 0 up to {x.Rows}.", nameof(before));
            }
        }

        Tensor y = Tensor.Create([checked(x.Rows + (head.Rows * before.Length)), x.Columns], x.Backend);
        foreach ((Tensor? from, Tensor to) in Pieces(head.Rows, x, y, before))
        {
            y.Backend.Copy(from ?? head, to);
        }

        return Tape.Wants(head, x) ? Tape.Record(y, new PrependBackward(head, x, (int[])before.Clone())) : y;
    }

    // The pieces of y in order, each with the rows of x that it copies, or null for a copy of the head.
    private static IEnumerable<(Tensor? FromX, Tensor InY)> Pieces(int headRows, Tensor x, Tensor y, int[] before)
    {
        (int from, int to) = (0, 0);
        for (int i = 0; i <= before.Length; i++)
        {
            int end = i < before.Length ? before[i] : x.Rows;
            if (end > from)
            {
                yield return (x.RowRange(from, end - from), y.RowRange(to, end - from));
                to += end - from;
                from = end;
            }

            if (i < before.Length && headRows > 0)
            {
                yield return (null, y.RowRange(to, headRows));
                to += headRows;
            }
        }
    }

    // The head receives the sum of the gradients of all its copies, x the gradients of its rows.
    private sealed class PrependBackward(Tensor head, Tensor x, int[] before) : Backward(head, x)
    {
        public override long FlopsFor(Tensor input) => ReferenceEquals(input, head) ? head.Count * before.Length : 0;

        protected override void Run(Tensor dy)
        {
            (bool addToHead, bool addToX) = (false, false);
            Tensor? dhead = Needs(head) ? GradOf(head, out addToHead) : null;
            Tensor? dx = Needs(x) ? GradOf(x, out addToX) : null;
            if (dhead is not null && !addToHead)
            {
                dy.Backend.Fill(dhead, 0f);
            }

            foreach ((Tensor? ofX, Tensor piece) in Pieces(head.Rows, dx ?? x, dy, before))
            {
                if (ofX is null)
                {
                    if (dhead is not null)
                    {
                        dy.Backend.AddInto(piece, dhead);
                    }
                }
                else if (dx is not null && addToX)
                {
                    dy.Backend.AddInto(piece, ofX);
                }
                else if (dx is not null)
                {
                    dy.Backend.Copy(piece, ofX);
                }
            }
        }
    }
}
