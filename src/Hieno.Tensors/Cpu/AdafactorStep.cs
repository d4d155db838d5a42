using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of the step of Adafactor: the means of squares, the size of the change, the change.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void AdafactorStep(Tensor parameter, Tensor grad, Tensor? rows, Tensor columns, Tensor? mean, AdafactorSettings settings)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(grad);
        ArgumentNullException.ThrowIfNull(columns);
        ArgumentNullException.ThrowIfNull(settings);
        (int r, int c) = (grad.Rows, grad.Columns);
        float* rowMeans = rows is null ? null : (float*)rows.Pointer;
        float* columnMeans = (float*)columns.Pointer;
        UpdateColumnMeans(grad, settings.GradScale, columnMeans, settings.Beta2, settings.Epsilon);
        if (rowMeans != null)
        {
            For(r, SumRowsPerTask, new RowMeansKernel(new MatrixRows(grad), c, settings.GradScale, rowMeans, settings));
        }

        int tasks = (r + SumRowsPerTask - 1) / SumRowsPerTask;
        using Scratch factors = RentScratch((long)r + c);
        using Scratch partials = RentScratch(2L * tasks); // one double a task
        float* ofRows = factors.Pointer;
        float* ofColumns = ofRows + r;
        InverseRoots(rowMeans, r, rowMeans == null ? 1 : MeanOf(rowMeans, r), ofRows);
        InverseRoots(columnMeans, c, 1, ofColumns);
        For(r, SumRowsPerTask, new ChangeSizeKernel(new MatrixRows(grad), c, settings.GradScale, ofRows, ofColumns, (double*)partials.Pointer));
        double size = Math.Sqrt(SumOfTasks((double*)partials.Pointer, tasks) / parameter.Count);
        float rate = (float)(settings.LearningRate / Math.Max(1, size / settings.ClipThreshold));
        For(r, SumRowsPerTask, new ChangeKernel(
            new MatrixRows(parameter), new MatrixRows(grad), mean is null ? default : new MatrixRows(mean), mean is not null, c, rate, ofRows, ofColumns, settings));
        KeepAlive(parameter, grad, rows, columns, mean);
    }

    private static double MeanOf(float* values, int count)
    {
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += values[i];
        }

        return sum / count;
    }

    // √(unit / value), or 1 where there are no values.
    private static void InverseRoots(float* values, int count, double unit, float* result)
    {
        for (int i = 0; i < count; i++)
        {
            result[i] = values == null ? 1f : (float)Math.Sqrt(unit / values[i]);
        }
    }

    private readonly struct RowMeansKernel(MatrixRows grad, int columns, float scale, float* means, AdafactorSettings settings) : IKernel
    {
        private readonly float* _means = means;
        private readonly double _beta2 = settings.Beta2;
        private readonly double _epsilon = settings.Epsilon;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                UpdateRowMean<V>(grad[row], columns, scale, _means + row, _beta2, _epsilon);
            }
        }
    }

    // Σ u² of each task's rows.
    private readonly struct ChangeSizeKernel(MatrixRows grad, int columns, float scale, float* ofRows, float* ofColumns, double* partials) : IKernel
    {
        private readonly float* _ofRows = ofRows;
        private readonly float* _ofColumns = ofColumns;
        private readonly double* _partials = partials;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            double sum = 0;
            for (long row = start; row < end; row++)
            {
                float factor = scale * _ofRows[row];
                int done = Part<V>(grad[row], factor, ref sum, 0);
                Part<Simd1>(grad[row], factor, ref sum, done);
            }

            _partials[chunk] = sum;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(float* gs, float factor, ref double sum, int c)
            where V : unmanaged, ISimd<V>
        {
            V lanes = V.Zero;
            for (; c <= columns - V.Count; c += V.Count)
            {
                V u = V.Load(gs + c) * V.All(factor) * V.Load(_ofColumns + c);
                lanes = V.Fma(u, u, lanes);
            }

            sum += V.Sum(lanes);
            return c;
        }
    }

    private readonly struct ChangeKernel(
        MatrixRows parameter, MatrixRows grad, MatrixRows mean, bool hasMean, int columns, float rate, float* ofRows, float* ofColumns, AdafactorSettings settings)
        : IKernel
    {
        private readonly float* _ofRows = ofRows;
        private readonly float* _ofColumns = ofColumns;
        private readonly float _scale = settings.GradScale;
        private readonly float _keep = (float)(1 - (settings.LearningRate * settings.WeightDecay));
        private readonly float _beta1 = (float)settings.Beta1;
        private readonly float _share1 = (float)(1 - settings.Beta1);

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            for (long row = start; row < end; row++)
            {
                int done = Part<V>(row, 0);
                Part<Simd1>(row, done);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private int Part<V>(long row, int c)
            where V : unmanaged, ISimd<V>
        {
            float* ps = parameter[row];
            float* gs = grad[row];
            float* ms = hasMean ? mean[row] : null;
            V factor = V.All(_scale * _ofRows[row]);
            for (; c <= columns - V.Count; c += V.Count)
            {
                V change = V.All(rate) * (V.Load(gs + c) * factor * V.Load(_ofColumns + c));
                if (ms != null)
                {
                    change = V.Fma(V.All(_share1), change, V.All(_beta1) * V.Load(ms + c));
                    change.Store(ms + c);
                }

                ((V.Load(ps + c) * V.All(_keep)) - change).Store(ps + c);
            }

            return c;
        }
    }
}
