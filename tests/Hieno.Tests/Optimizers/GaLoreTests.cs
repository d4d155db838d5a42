using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Tensors.Cpu;
using Hieno.Tests.Training;
using Hieno.Training;

namespace Hieno.Tests.Optimizers;

public sealed class GaLoreTests
{
    [Theory]
    [InlineData(4, 7)]
    [InlineData(7, 4)]
    public void Steps_are_Adam_s_in_the_subspace_of_the_gradient_that_was_last_decomposed(int rows, int columns)
    {
        const int Rank = 2;
        var options = new GaLoreOptions { Rank = Rank, Every = 3, Scale = 0.5, Inner = new AdamWOptions { Beta1 = 0.8, Beta2 = 0.95 } };
        Parameter weight = Weights.Create("w", [rows, columns], Noise(rows * columns, 0), ParameterKind.Attention);
        IOptimizer optimizer = options.Create([new OptimizedParameter(weight, LearningRateFactor: 0.5, WeightDecay: 0.25)]);
        double[] w = [.. weight.Value.ToArray().Select(x => (double)x)];
        int size = Rank * Math.Max(rows, columns);
        (double[] m, double[] v) = (new double[size], new double[size]);
        float[] p = [];
        for (int t = 1; t <= 5; t++)
        {
            float[] gradient = Noise(rows * columns, (ulong)t);
            p = t is 1 or 4 ? GradientSubspace.Of(Tensor.FromValues([rows, columns], gradient), Rank).ToArray() : p;
            Weights.SetGradients((weight, gradient));
            optimizer.Step(0.02, gradientScale: 0.5f);
            double[] low = [.. Project(p, gradient, rows, columns, Rank).Select(x => 0.5 * x)];
            for (int k = 0; k < size; k++)
            {
                m[k] = (0.8 * m[k]) + (0.2 * low[k]);
                v[k] = (0.95 * v[k]) + (0.05 * low[k] * low[k]);
                low[k] = -0.01 * m[k] / (1 - Math.Pow(0.8, t)) / (Math.Sqrt(v[k] / (1 - Math.Pow(0.95, t))) + 1e-8);
            }

            double[] change = ProjectBack(p, low, rows, columns, Rank);
            w = [.. w.Select((x, i) => (x * (1 - (0.01 * 0.25))) + (0.5 * change[i]))];
            Assert.All(weight.Value.ToArray().Zip(w), pair => Assert.Equal(pair.Second, pair.First, 2e-6));
        }
    }

    [Fact]
    public void Only_matrices_of_blocks_that_are_larger_than_the_rank_are_projected()
    {
        Parameter[] weights =
        [
            Weights.Create("attention", [4, 6], new float[24], ParameterKind.Attention), Weights.Create("up", [6, 4], new float[24], ParameterKind.FeedForward),
            Weights.Create("narrow", [3, 6], new float[18], ParameterKind.Attention), Weights.Create("table", [5, 6], new float[30], ParameterKind.Embedding),
            Weights.Create("bias", [6], new float[6], ParameterKind.Attention),
        ];
        IOptimizer optimizer = new GaLoreOptions { Rank = 3 }.Create([.. weights.Select(weight => new OptimizedParameter(weight, 1, 0))]);
        foreach (Parameter weight in weights)
        {
            Weights.SetGradients((weight, Noise((int)weight.Count, 1)));
        }

        optimizer.Step(0.01, 1);
        var state = Weights.StateOf(optimizer);
        Assert.Equal(["attention.galore.projector", "up.galore.projector"], state.Keys.Where(name => name.EndsWith("projector", StringComparison.Ordinal)));
        Assert.Equal("[3, 6]", state["attention.exp_avg"].Shape.ToString()); // rows are projected
        Assert.Equal("[6, 3]", state["up.exp_avg"].Shape.ToString());        // columns are
        Assert.Equal("[3, 4]", state["up.galore.projector"].Shape.ToString());
        Assert.Equal("[5, 6]", state["table.exp_avg"].Shape.ToString());

        optimizer.Forget(weights[0]);
        Assert.DoesNotContain(optimizer.State, item => item.Name.StartsWith("attention.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("adamw")]
    [InlineData("adamw-8bit")]
    public void A_run_gives_the_same_bytes_after_a_resume_at_any_step_and_on_any_number_of_threads(string inner)
    {
        using TinyRun run = TinyRun.Language();
        OptimizerOptions options = inner == "adamw" ? new AdamWOptions() : new AdamW8BitOptions { Smallest = 0 };
        TrainingOptions training = TinyRun.Training() with { Optimizer = new GaLoreOptions { Rank = 3, Every = 3, Inner = options } };
        Recipe whole = run.Recipe("whole", training);
        TinyRun.Train(whole);
        string expected = TinyRun.FinalHash(whole);
        foreach (int step in (int[])[1, 3, 4, 7])
        {
            Recipe stopped = run.Recipe($"stopped{step}", training);
            TinyRun.TrainUntil(stopped, step);
            TinyRun.Train(stopped, new FineTunerOptions { Resume = true });
            Assert.Equal(expected, TinyRun.FinalHash(stopped));
        }

        using var backend = new CpuBackend(threads: 3);
        Recipe other = run.Recipe("threads", training);
        TinyRun.Train(other, new FineTunerOptions { Backend = backend });
        Assert.Equal(expected, TinyRun.FinalHash(other));
    }

    [Fact]
    public void Inner_optimizers_that_need_the_weights_and_a_second_decay_are_refused()
    {
        Assert.Empty(new GaLoreOptions().Validate());
        Assert.Empty(new GaLoreOptions { Inner = new AdafactorOptions { ScaleParameter = false } }.Validate());
        Assert.Single(new GaLoreOptions { Inner = new GaLoreOptions() }.Validate());
        Assert.Single(new GaLoreOptions { Inner = new AsgdOptions() }.Validate());
        Assert.Single(new GaLoreOptions { Inner = new AdafactorOptions() }.Validate());
        Assert.Single(new GaLoreOptions { Inner = new AdamWOptions { WeightDecay = 0.5 } }.Validate());
    }

    [Fact]
    public void A_recipe_names_the_inner_optimizer_and_its_settings()
    {
        const string Yaml = "{ base: m, task: sft, data: { train: a.jsonl }, output: o, training: { optimizer: { kind: galore, rank: 8, inner: { kind: adamw-8bit, smallest: 0 } } } }";
        Recipe recipe = RecipeFile.Parse<Recipe>(Yaml, "r.yaml", RecipeFormat.Yaml, BuiltIns.Kinds()).Value;
        Assert.Equal(new GaLoreOptions { Rank = 8, Inner = new AdamW8BitOptions { Smallest = 0 } }, recipe.Training.Optimizer);
        Assert.Equal(recipe, RecipeFile.Parse<Recipe>(RecipeWriter.ToYaml(recipe, BuiltIns.Kinds()), "r.yaml", RecipeFormat.Yaml, BuiltIns.Kinds()).Value);
    }

    private static float[] Noise(int count, ulong seed)
    {
        float[] values = new float[count];
        new Rng(seed, RngStream.Sampling).FillNormal(values, 0f, 1f, step: 0);
        return values;
    }

    private static double[] Project(float[] p, float[] g, int rows, int columns, int rank)
    {
        bool isWide = rows <= columns;
        double[] low = new double[rank * Math.Max(rows, columns)];
        for (int i = 0; i < rows * columns; i++)
        {
            for (int k = 0; k < rank; k++)
            {
                (int r, int c) = (i / columns, i % columns);
                low[isWide ? (k * columns) + c : (r * rank) + k] += (double)g[i] * (isWide ? p[(k * rows) + r] : p[(k * columns) + c]);
            }
        }

        return low;
    }

    private static double[] ProjectBack(float[] p, double[] low, int rows, int columns, int rank)
    {
        bool isWide = rows <= columns;
        return [.. Enumerable.Range(0, rows * columns).Select(i =>
        {
            (int r, int c) = (i / columns, i % columns);
            return Enumerable.Range(0, rank).Sum(k => isWide ? p[(k * rows) + r] * low[(k * columns) + c] : low[(r * rank) + k] * p[(k * columns) + c]);
        })];
    }
}
