using System.Runtime.CompilerServices;
using Hieno.Tensors.Cpu.Simd;

namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of RMS normalisation.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int NormRowsPerTask = 32; // fixed, so that partial sums of the gain's gradient never depend on the thread count

    /// <inheritdoc/>
    public override void RmsNormForward(Tensor x, Tensor gain, float eps, float gainOffset, Tensor y, Tensor inverseRms)
    {
        ArgumentNullException.ThrowIfNull(x);
        For(x.Rows, NormRowsPerTask, new RmsNormForwardKernel(x, gain, eps, gainOffset, y, inverseRms));
        KeepAlive(x, gain, y, inverseRms);
    }

    /// <inheritdoc/>
    public override void RmsNormBackward(
        Tensor x, Tensor gain, float gainOffset, Tensor inverseRms, Tensor dy, Tensor? dx, bool addToX, Tensor? dgain, bool addToGain)
    {
        ArgumentNullException.ThrowIfNull(x);
        int chunks = (x.Rows + NormRowsPerTask - 1) / NormRowsPerTask;
        using Scratch partials = RentScratch(dgain is null ? 0 : (long)chunks * x.Columns);
        For(x.Rows, NormRowsPerTask, new RmsNormBackwardKernel(x, gain, gainOffset, inverseRms, dy, dx, addToX, partials.Pointer));
        if (dgain is not null)
        {
            SumPartials(partials.Pointer, chunks, x.Columns, (float*)dgain.Pointer, addToGain);
        }
        KeepAlive(x, gain, inverseRms, dy, dx, dgain);
    }

    private readonly struct RmsNormForwardKernel(Tensor x, Tensor gain, float eps, float gainOffset, Tensor y, Tensor inverseRms) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _gain = (float*)gain.Pointer;
        private readonly float* _y = (float*)y.Pointer;
        private readonly float* _inverseRms = (float*)inverseRms.Pointer;
        private readonly int _columns = x.Columns;
        private readonly float _eps = eps;
        private readonly float _offset = gainOffset;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int columns = _columns;
            int whole = columns - (columns % V.Count);
            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float* ys = _y + (row * columns);
                V squares = V.Zero;
                for (int c = 0; c < whole; c += V.Count)
                {
                    V v = V.Load(xs + c);
                    squares = V.Fma(v, v, squares);
                }

                float sum = V.Sum(squares);
                for (int c = whole; c < columns; c++)
                {
                    sum += xs[c] * xs[c];
                }

                float inverse = 1f / MathF.Sqrt((sum / columns) + _eps);
                _inverseRms[row] = inverse;
                V r = V.All(inverse);
                V offset = V.All(_offset);
                for (int c = 0; c < whole; c += V.Count)
                {
                    (V.Load(xs + c) * r * (V.Load(_gain + c) + offset)).Store(ys + c);
                }

                for (int c = whole; c < columns; c++)
                {
                    ys[c] = xs[c] * inverse * (_gain[c] + _offset);
                }
            }
        }
    }

    private readonly struct RmsNormBackwardKernel(
        Tensor x, Tensor gain, float gainOffset, Tensor inverseRms, Tensor dy, Tensor? dx, bool addToX, float* partials) : IKernel
    {
        private readonly float* _x = (float*)x.Pointer;
        private readonly long _xStride = x.RowStride;
        private readonly float* _gain = (float*)gain.Pointer;
        private readonly float* _inverseRms = (float*)inverseRms.Pointer;
        private readonly float* _dy = (float*)dy.Pointer;
        private readonly long _dyStride = dy.RowStride;
        private readonly float* _dx = dx is null ? null : (float*)dx.Pointer;
        private readonly long _dxStride = dx?.RowStride ?? 0;
        private readonly float _keep = addToX ? 1f : 0f;
        private readonly float* _partials = partials;
        private readonly int _columns = x.Columns;
        private readonly float _offset = gainOffset;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<V>(int chunk, long start, long end)
            where V : unmanaged, ISimd<V>
        {
            int columns = _columns;
            float* partial = _partials == null ? null : _partials + ((long)chunk * columns);
            if (partial != null)
            {
                new Span<float>(partial, columns).Clear();
            }

            for (long row = start; row < end; row++)
            {
                float* xs = _x + (row * _xStride);
                float* dys = _dy + (row * _dyStride);
                float r = _inverseRms[row];
                if (partial != null)
                {
                    AddScaledProduct<V>(dys, xs, r, partial, columns);
                }

                if (_dx != null)
                {
                    InputRow<V>(xs, dys, r, _dx + (row * _dxStride));
                }
            }
        }

        // dx (+)= r·q − x·(r³·mean(q·x)): the same as r·(q − n·mean(q·n)) with n = r·x written out.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private void InputRow<V>(float* xs, float* dys, float r, float* dxs)
            where V : unmanaged, ISimd<V>
        {
            int whole = _columns - (_columns % V.Count);
            V offset = V.All(_offset);
            V products = V.Zero;
            for (int c = 0; c < whole; c += V.Count)
            {
                products = V.Fma((V.Load(_gain + c) + offset) * V.Load(dys + c), V.Load(xs + c), products);
            }

            float sum = V.Sum(products);
            for (int c = whole; c < _columns; c++)
            {
                sum += (_gain[c] + _offset) * dys[c] * xs[c];
            }

            float slope = r * r * r * (sum / _columns);
            V rs = V.All(r);
            V slopes = V.All(slope);
            for (int c = 0; c < whole; c += V.Count)
            {
                V value = ((V.Load(_gain + c) + offset) * V.Load(dys + c) * rs) - (V.Load(xs + c) * slopes);
                (_keep != 0 ? V.Load(dxs + c) + value : value).Store(dxs + c);
            }

            for (int c = whole; c < _columns; c++)
            {
                float value = ((_gain[c] + _offset) * dys[c] * r) - (xs[c] * slope);
                dxs[c] = _keep != 0 ? dxs[c] + value : value;
            }
        }
    }
}
