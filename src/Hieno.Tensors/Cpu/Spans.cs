namespace Hieno.Tensors.Cpu;

/// <summary>How operations that treat each number by itself walk over their operands.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int SpanLength = 4096;

    /// <summary>
    /// Cuts operands of equal shape into spans of contiguous numbers: their rows, or, where no operand has gaps between rows, pieces of
    /// <see cref="SpanLength"/> numbers, so that narrow rows do not waste vector lanes.
    /// </summary>
    private readonly struct Spans
    {
        private readonly bool _byRow;
        private readonly long _numbers;

        /// <summary>Looks at the operands; null ones (a gradient that is not wanted) are left out.</summary>
        public Spans(params ReadOnlySpan<Tensor?> operands)
        {
            Tensor? first = null;
            foreach (Tensor? operand in operands)
            {
                first ??= operand;
                _byRow |= operand is { IsContiguous: false };
            }

            _numbers = first!.Count;
            Length = _byRow ? first.Columns : SpanLength;
            Count = _numbers == 0 ? 0 : _byRow ? first.Rows : (_numbers + SpanLength - 1) / SpanLength;
            Grain = _byRow ? Math.Max(1, ElementsPerTask / Math.Max(1, Length)) : ElementsPerTask / SpanLength;
        }

        /// <summary>Numbers in a span; the last may be shorter.</summary>
        public int Length { get; }

        /// <summary>Number of spans.</summary>
        public long Count { get; }

        /// <summary>Spans in one task; fixed, so that partial results do not depend on the number of threads.</summary>
        public long Grain { get; }

        /// <summary>Number of tasks.</summary>
        public int Tasks => checked((int)((Count + Grain - 1) / Grain));

        /// <summary>Numbers in span <paramref name="span"/>.</summary>
        public int LengthOf(long span) => (int)Math.Min(Length, _numbers - (span * Length));

        /// <summary>The spans of one of the operands.</summary>
        public Operand Of(Tensor? operand) =>
            operand is null ? default : new Operand((float*)operand.Pointer, _byRow ? operand.RowStride : Length);
    }

    /// <summary>Where the spans of one operand begin.</summary>
    private readonly struct Operand(float* first, long stride)
    {
        /// <summary>False for an operand that is not wanted.</summary>
        public bool IsPresent => first != null;

        /// <summary>The first number of span <paramref name="span"/>.</summary>
        public float* At(long span) => first + (span * stride);
    }
}
