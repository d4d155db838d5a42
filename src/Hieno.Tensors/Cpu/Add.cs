using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernel of addition.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void Add(Tensor a, Tensor b, Tensor y)
    {
        ArgumentNullException.ThrowIfNull(a);
        For(a.Rows, Math.Max(1, ElementsPerTask / Math.Max(1, a.Columns)), new AddKernel(a, b, y));
        KeepAlive(a, b, y);
    }

    private readonly struct AddKernel(Tensor a, Tensor b, Tensor y) : IKernel
    {
        private readonly float* _a = (float*)a.Pointer;
        private readonly float* _b = (float*)b.Pointer;
        private readonly float* _y = (float*)y.Pointer;
        private readonly long _aStride = a.RowStride;
        private readonly long _bStride = b.RowStride;
        private readonly int _columns = a.Columns;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float* left = _a + (row * _aStride);
                float* right = _b + (row * _bStride);
                float* sum = _y + (row * _columns);
                int c = 0;
                for (; c <= _columns - V.Count; c += V.Count)
                {
                    (V.Load(left + c) + V.Load(right + c)).Store(sum + c);
                }

                for (; c < _columns; c++)
                {
                    sum[c] = left[c] + right[c];
                }
            }
        }
    }
}
