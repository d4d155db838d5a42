using Hieno.Tensors;

namespace Hieno.Advice;

/// <summary>Ridge regression on fixed features, judged by five-fold cross-validation: how well a linear layer on top of them could do.</summary>
/// <remarks>
/// Solved in its dual form, which costs rows³ and not features³: with K = X·Xᵀ / d of standardised features, predictions for held-out rows are
/// K_held·(K_train + λI)⁻¹·(Y − mean) + mean (Hoerl and Kennard 1970; Saunders et al. 1998 for the dual form). Of seven λ from 10⁻³ to 10³
/// the one with the best score counts, so the score of features that say nothing is a little above that of guessing.
/// </remarks>
internal static class RidgeProbe
{
    private const int Folds = 5;

    /// <summary>The best cross-validated score over the strengths.</summary>
    /// <param name="features">x, rows of one length each.</param>
    /// <param name="targets">y, [rows][outputs].</param>
    /// <param name="score">Judges predictions of all rows, [rows][outputs]; higher is better.</param>
    /// <param name="seed">The seed of the folds.</param>
    public static double Score(float[][] features, double[][] targets, Func<double[][], double> score, ulong seed)
    {
        double[,] gram = Gram(Standardised(features));
        int[] order = new Rng(seed, RngStream.Split).Permutation(features.Length, 3);
        return Enumerable.Range(-3, 7).Max(power => score(Predict(gram, targets, order, Math.Pow(10, power))));
    }

    // What each row is predicted to be by the rows outside its fold.
    private static double[][] Predict(double[,] gram, double[][] targets, int[] order, double strength)
    {
        double[][] predicted = new double[targets.Length][];
        for (int fold = 0; fold < Folds; fold++)
        {
            int[] held = [.. order.Where((_, i) => i % Folds == fold)];
            int[] train = [.. order.Where((_, i) => i % Folds != fold)];
            double[] mean = [.. Enumerable.Range(0, targets[0].Length).Select(k => train.Average(row => targets[row][k]))];
            double[,] factor = Cholesky(gram, train, strength);
            double[][] weights = [.. mean.Select((m, k) => Solve(factor, [.. train.Select(row => targets[row][k] - m)]))];
            foreach (int row in held)
            {
                predicted[row] = [.. weights.Select((w, k) => mean[k] + train.Select((other, i) => gram[row, other] * w[i]).Sum())];
            }
        }

        return predicted;
    }

    private static double[][] Standardised(float[][] features)
    {
        double[][] x = [.. features.Select(row => Array.ConvertAll(row, value => (double)value))];
        for (int column = 0; column < x[0].Length; column++)
        {
            int c = column;
            double mean = x.Average(row => row[c]);
            double deviation = Math.Sqrt(x.Average(row => (row[c] - mean) * (row[c] - mean)));
            foreach (double[] row in x)
            {
                row[c] = deviation > 0 ? (row[c] - mean) / deviation : 0;
            }
        }

        return x;
    }

    private static double[,] Gram(double[][] x)
    {
        double[,] gram = new double[x.Length, x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = 0;
                for (int k = 0; k < x[i].Length; k++)
                {
                    sum += x[i][k] * x[j][k];
                }

                gram[i, j] = gram[j, i] = sum / x[i].Length;
            }
        }

        return gram;
    }

    // L with L·Lᵀ = K + λI of the chosen rows. λ > 0 keeps it positive definite.
    private static double[,] Cholesky(double[,] gram, int[] rows, double strength)
    {
        int n = rows.Length;
        double[,] l = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = gram[rows[i], rows[j]] + (i == j ? strength : 0);
                for (int k = 0; k < j; k++)
                {
                    sum -= l[i, k] * l[j, k];
                }

                l[i, j] = i == j ? Math.Sqrt(sum) : sum / l[j, j];
            }
        }

        return l;
    }

    private static double[] Solve(double[,] l, double[] y)
    {
        int n = y.Length;
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++)
            {
                y[i] -= l[i, k] * y[k];
            }

            y[i] /= l[i, i];
        }

        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++)
            {
                y[i] -= l[k, i] * y[k];
            }

            y[i] /= l[i, i];
        }

        return y;
    }
}
