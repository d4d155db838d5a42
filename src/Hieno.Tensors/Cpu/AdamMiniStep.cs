using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the step of Adam-mini.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdamMiniStep(Tensor parameter, Tensor grad, Tensor m, Tensor v, AdamMiniSettings settings)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(grad);
        ArgumentNullException.ThrowIfNull(v);
        ArgumentNullException.ThrowIfNull(settings);
        float* squares = (float*)v.Pointer;
        var sizes = new BlockSteps(settings);
        using Scratch steps = RentScratch(settings.ByColumn ? grad.Columns : 0);
        if (settings.ByColumn)
        {
            UpdateColumnMeans(grad, settings.GradScale, squares, settings.Beta2, added: 0);
            for (int c = 0; c < grad.Columns; c++)
            {
                steps.Pointer[c] = sizes.Of(squares[c]);
            }
        }

        long grain = Math.Max(1, ElementsPerTask / Math.Max(1, grad.Columns));
        For(grad.Rows, grain, new AdamMiniKernel(new MatrixRows(parameter), new MatrixRows(grad), new MatrixRows(m), grad.Columns, squares, steps.Pointer, sizes, settings));
        KeepAlive(parameter, grad, m, v);
    }

    // The step size of a block with mean square v: η / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε).
    private readonly struct BlockSteps(AdamMiniSettings settings)
    {
        private readonly double _stepSize = settings.LearningRate / (1 - Math.Pow(settings.Beta1, settings.Step));
        private readonly double _correction = 1 - Math.Pow(settings.Beta2, settings.Step);
        private readonly double _epsilon = settings.Epsilon;

        public float Of(float square) => (float)(_stepSize / (Math.Sqrt(square / _correction) + _epsilon));
    }

    // With the columns' step sizes given, or one a row, from the row's mean square.
    private readonly struct AdamMiniKernel(
        MatrixRows parameter, MatrixRows grad, MatrixRows m, int columns, float* squares, float* columnSteps, BlockSteps sizes, AdamMiniSettings settings)
        : IKernel
    {
        private readonly float* _squares = squares;
        private readonly float* _columnSteps = columnSteps;
        private readonly float _scale = settings.GradScale;
        private readonly float _beta1 = (float)settings.Beta1;
        private readonly float _share1 = (float)(1 - settings.Beta1);
        private readonly float _keep = (float)(1 - (settings.LearningRate * settings.WeightDecay));

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                float step = 1;
                if (_columnSteps == null)
                {
                    UpdateRowMean<V>(grad[row], columns, _scale, _squares + row, settings.Beta2, added: 0);
                    step = sizes.Of(_squares[row]);
                }

                int done = Part<V>(row, step, 0);
                Part<Simd1>(row, step, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(long row, float step, int c)
            where V : unmanaged, ISimd<V>
        {
            float* ps = parameter[row];
            float* gs = grad[row];
            float* ms = m[row];
            for (; c <= columns - V.Count; c += V.Count)
            {
                V mean = V.Fma(V.All(_share1), V.Load(gs + c) * V.All(_scale), V.All(_beta1) * V.Load(ms + c));
                mean.Store(ms + c);
                V size = _columnSteps == null ? V.All(step) : V.Load(_columnSteps + c);
                ((V.Load(ps + c) * V.All(_keep)) - (size * mean)).Store(ps + c);
            }

            return c;
        }
    }
}
