using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>
/// A matrix Q [d, r] whose columns stay orthonormal while it learns: Q = B·H(X), with B a fixed orthogonal matrix and H(X) the first r columns
/// of the product of reflections I − τⱼvⱼvⱼᵀ. vⱼ is 1 at row j and holds column j of X below it, τⱼ = 2 / ‖vⱼ‖². At X = 0, Q is B's first r columns.
/// </summary>
/// <remarks>
/// PyTorch's orthogonal parametrization by Householder reflections, which pyreft uses; Mhammedi et al. 2017,
/// <see href="https://arxiv.org/abs/1612.00188"/>, section 3. Any optimizer may step on X. Numbers are added up in 64 bits.
/// </remarks>
public sealed class OrthonormalColumns
{
    private readonly double[] _reflectors; // of B, [d, k], each a unit vector
    private readonly double[] _signs;
    private readonly int _rows;
    private readonly int _columns;
    private readonly float[] _start; // [d, r]

    /// <summary>Takes a matrix with orthonormal columns to start from; columns beyond the first r say how B goes on.</summary>
    /// <param name="start">[d, k], k at least r, row by row.</param>
    /// <param name="rows">d.</param>
    /// <param name="columns">r.</param>
    /// <param name="parameter">X, [d, r], long-lived; only what lies below the diagonal counts.</param>
    public OrthonormalColumns(ReadOnlySpan<float> start, int rows, int columns, Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        int count = start.Length / rows;
        (_rows, _columns, Parameter) = (rows, columns, parameter);
        (_reflectors, _signs) = Reflect(start, rows, count);
        _start = new float[rows * columns];
        for (int i = 0; i < _start.Length; i++)
        {
            _start[i] = start[(i / columns * count) + (i % columns)];
        }
    }

    /// <summary>X, [d, r].</summary>
    public Parameter Parameter { get; }

    /// <summary>Random orthonormal columns.</summary>
    /// <param name="rows">d.</param>
    /// <param name="columns">r, at most d.</param>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="name">A name of its own.</param>
    public static float[] Random(int rows, int columns, ulong seed, string name)
    {
        float[] normal = Initializer.Normal(1f).Create([rows, columns], seed, name).ToArray();
        (double[] reflectors, _) = Reflect(normal, rows, columns);
        double[] q = Identity(rows, columns);
        Apply(reflectors, q, rows, columns, columns, isTransposed: false);
        return Array.ConvertAll(q, value => (float)value);
    }

    /// <summary>Q, [d, r].</summary>
    public Tensor Compute()
    {
        double[] x = ToDoubles(Parameter);
        Tensor y = Tensor.Create([_rows, _columns], Parameter.Value.Backend);
        y.Backend.CopyFromHost(Array.TrueForAll(x, value => value == 0) ? _start : Columns(x), y); // what was loaded is saved again to the bit
        Tape.Spend(4L * _rows * _columns * _columns);
        return Tape.Wants(Parameter.Value) ? Tape.Record(y, new ColumnsBackward(this)) : y;
    }

    private float[] Columns(double[] x)
    {
        double[] q = Product(x);
        for (int i = 0; i < q.Length; i++)
        {
            q[i] *= -_signs[i / _columns]; // at X = 0 the reflections turn each of the first r axes round
        }

        Apply(_reflectors, q, _rows, _reflectors.Length / _rows, _columns, isTransposed: false);
        return Array.ConvertAll(q, value => (float)value);
    }

    // H₁·…·H_r applied to the first r columns of the identity.
    private double[] Product(double[] x)
    {
        double[] e = Identity(_rows, _columns);
        for (int j = _columns - 1; j >= 0; j--)
        {
            ReflectBy(x, j, e);
        }

        return e;
    }

    // e ← (I − τvvᵀ)·e
    private void ReflectBy(double[] x, int j, double[] e)
    {
        double tau = Tau(x, j);
        double[] inner = Inner(x, j, e);
        for (int i = j; i < _rows; i++)
        {
            double v = tau * V(x, i, j);
            for (int c = 0; c < _columns; c++)
            {
                e[(i * _columns) + c] -= v * inner[c];
            }
        }
    }

    private double[] Inner(double[] x, int j, double[] e)
    {
        double[] inner = new double[_columns]; // vᵀe
        for (int i = j; i < _rows; i++)
        {
            double v = V(x, i, j);
            for (int c = 0; c < _columns; c++)
            {
                inner[c] += v * e[(i * _columns) + c];
            }
        }

        return inner;
    }

    private double V(double[] x, int i, int j) => i == j ? 1 : x[(i * _columns) + j];

    private double Tau(double[] x, int j)
    {
        double square = 0;
        for (int i = j; i < _rows; i++)
        {
            square += V(x, i, j) * V(x, i, j);
        }

        return 2 / square;
    }

    // With eⱼ = Hⱼeⱼ₊₁, w = vᵀeⱼ₊₁ and g the gradient of eⱼ:
    //   dτ = −(vᵀg)·w      dv = −τ(g·w + eⱼ₊₁·(gᵀv)) − τ²·dτ·v below the diagonal      gradient of eⱼ₊₁ = Hⱼg
    private double[] Differentiate(double[] x, double[] g)
    {
        double[] dx = new double[x.Length];
        double[] e = Product(x);
        for (int j = 0; j < _columns; j++)
        {
            ReflectBy(x, j, e); // a reflection undoes itself: e is eⱼ₊₁ now
            double tau = Tau(x, j);
            (double[] w, double[] u) = (Inner(x, j, e), Inner(x, j, g));
            double dtau = 0;
            for (int c = 0; c < _columns; c++)
            {
                dtau -= u[c] * w[c];
            }

            for (int i = j + 1; i < _rows; i++)
            {
                double dv = 0;
                for (int c = 0; c < _columns; c++)
                {
                    dv += (g[(i * _columns) + c] * w[c]) + (e[(i * _columns) + c] * u[c]);
                }

                dx[(i * _columns) + j] = (-tau * dv) - (tau * tau * dtau * x[(i * _columns) + j]);
            }

            ReflectBy(x, j, g);
        }

        return dx;
    }

    // Householder's QR of a matrix with k columns: unit vectors, and the signs of the triangle's diagonal (1 for the rows below).
    private static (double[] Reflectors, double[] Signs) Reflect(ReadOnlySpan<float> matrix, int rows, int columns)
    {
        double[] a = new double[matrix.Length];
        for (int i = 0; i < a.Length; i++)
        {
            a[i] = matrix[i];
        }

        double[] vectors = new double[a.Length];
        double[] signs = new double[rows];
        Array.Fill(signs, 1);
        for (int j = 0; j < columns; j++)
        {
            double square = 0;
            for (int i = j; i < rows; i++)
            {
                square += a[(i * columns) + j] * a[(i * columns) + j];
            }

            double diagonal = a[(j * columns) + j];
            double length = Math.Sqrt(square);
            signs[j] = diagonal > 0 ? -1 : 1; // the sign that does not cancel
            double first = diagonal - (signs[j] * length);
            double norm = Math.Sqrt(square - (diagonal * diagonal) + (first * first));
            for (int i = j; i < rows && norm > 0; i++)
            {
                vectors[(i * columns) + j] = (i == j ? first : a[(i * columns) + j]) / norm;
            }

            ApplyOne(vectors, a, rows, columns, j, columns);
        }

        return (vectors, signs);
    }

    private static void Apply(double[] vectors, double[] matrix, int rows, int count, int columns, bool isTransposed)
    {
        for (int step = 0; step < count; step++)
        {
            ApplyOne(vectors, matrix, rows, count, isTransposed ? step : count - 1 - step, columns);
        }
    }

    private static void ApplyOne(double[] vectors, double[] matrix, int rows, int count, int j, int columns)
    {
        double[] inner = new double[columns];
        for (int i = j; i < rows; i++)
        {
            for (int c = 0; c < columns; c++)
            {
                inner[c] += vectors[(i * count) + j] * matrix[(i * columns) + c];
            }
        }

        for (int i = j; i < rows; i++)
        {
            for (int c = 0; c < columns; c++)
            {
                matrix[(i * columns) + c] -= 2 * vectors[(i * count) + j] * inner[c];
            }
        }
    }

    private static double[] Identity(int rows, int columns)
    {
        double[] e = new double[rows * columns];
        for (int i = 0; i < columns; i++)
        {
            e[(i * columns) + i] = 1;
        }

        return e;
    }

    private static double[] ToDoubles(Tensor tensor) => Array.ConvertAll(tensor.ToArray(), value => (double)value);

    private sealed class ColumnsBackward(OrthonormalColumns columns) : Backward(columns.Parameter.Value)
    {
        public override long FlopsFor(Tensor input) => 8L * columns._rows * columns._columns * columns._columns;

        protected override void Run(Tensor dy)
        {
            double[] g = ToDoubles(dy);
            Apply(columns._reflectors, g, columns._rows, columns._reflectors.Length / columns._rows, columns._columns, isTransposed: true);
            for (int i = 0; i < g.Length; i++)
            {
                g[i] *= -columns._signs[i / columns._columns];
            }

            float[] dx = Array.ConvertAll(columns.Differentiate(ToDoubles(columns.Parameter), g), value => (float)value);
            Tensor share = Tensor.FromValues(columns.Parameter.Value.Shape, dx, dy.Backend);
            PassGrad(columns.Parameter.Value, share);
        }
    }
}
