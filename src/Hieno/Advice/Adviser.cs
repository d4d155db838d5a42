using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Objectives;
using Hieno.Plugins;
using Hieno.Recipes;
using Hieno.Tensors;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Advice;

/// <summary>Looks at a recipe's data, its base model and the machine, and says what the settings should be. Trains nothing and writes nothing.</summary>
public static class Adviser
{
    private const int CandidateRank = 8;

    /// <summary>Advises.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="options">What a run may need from outside; only kinds, models and backend matter here.</param>
    /// <param name="freeBytes">The memory to reckon with; what the machine has free when null.</param>
    /// <returns>Advice, warnings, similarity and memory.</returns>
    /// <exception cref="HienoException">A fault of the recipe, the data or the model.</exception>
    public static AdviceReport Advise(Recipe recipe, FineTunerOptions? options = null, long? freeBytes = null)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        options ??= new FineTunerOptions();
        KindCatalog kinds = options.Kinds ?? Plugin.Add(recipe.Plugins);
        IObjective objective = recipe.Task.Create();
        ModelConfig config = ModelConfig.Read(recipe.Base);
        var input = new RunInput(recipe, objective.Head.Kind, config, options.Models, options.VisionModels);
        DataSplit data = DataSplit.Read(recipe.Data, recipe.Seed, input.Pictures is not null);
        objective.Prepare(input.Context(_ => { }), data.Known);
        IReadOnlyList<Example> train = Encode(objective, data.Train, recipe);
        RowFacts rows = RowFacts.Of(objective, input.Tokenizer, train, Encode(objective, data.Validation, recipe), Encode(objective, data.Test, recipe));
        PretrainedModel model = BaseModel.Open(recipe with { Quantization = null }, config, objective.Head, input.Tokens, options.Models, options.Backend, options.VisionModels);
        Similarity? similarity = recipe.Start == Start.Random ? null
            : objective is RowModeling modeling ? FeatureSimilarity.Measure(model, modeling, train, recipe.Seed)
            : objective is LanguageModeling && model is TextModel text ? PerplexitySimilarity.Measure(text, objective, train, recipe.Seed)
            : null;

        long free = freeBytes ?? FreeMemory.Bytes();
        var memory = new MemoryModel(model, recipe.Training.Optimizer);
        Learning[] others = [.. Candidates(model)]; // before the recipe's method changes the model
        BatchPlan Plan(int batchSize) => new(train, batchSize, input.PackLength, recipe.Seed);
        Learning own = Own(recipe, kinds, model, input, out Func<Parameter, bool> learns);
        RunFacts run = RunFacts.Of(recipe, kinds, model, learns, Plan(recipe.Training.BatchSize).BatchesPerEpoch, rows);
        MemoryForecast? Predict(Learning learning, int batchSize, bool checkpointing)
        {
            Recipe tried = recipe with { Training = recipe.Training with { BatchSize = batchSize, GradientCheckpointing = checkpointing } };
            return !run.HasForecast ? null : memory.Predict(learning, StepBatch.Of(tried, Plan(batchSize), train, run.LearnedShare));
        }

        MemoryForecast? needed = Predict(own, recipe.Training.BatchSize, recipe.Training.GradientCheckpointing);
        run = run with { NeededBytes = needed?.TotalBytes, FreeBytes = free };
        var facts = new AdviceFacts
        {
            Run = run,
            Similarity = similarity,
            FreeBytes = free,
            Memory = (method, batchSize, checkpointing) => Predict(method == run.Method ? own : others.FirstOrDefault(item => item.Name == method) ?? own, batchSize, checkpointing),
        };
        (IReadOnlyList<Recommendation> advice, Recipe advised) = Follow(facts, kinds);
        return new AdviceReport
        {
            Recipe = recipe,
            Task = run.Task,
            Advised = advised,
            Recommendations = advice,
            Warnings = [.. BuiltInWarnings.Of(run).Select(warning => new RunWarning(warning.Id, warning.Text))],
            Similarity = similarity,
            Memory = [.. others.Where(item => item.Name != run.Method).Prepend(own).Select(item => Predict(item, recipe.Training.BatchSize, recipe.Training.GradientCheckpointing)).OfType<MemoryForecast>()],
            FreeBytes = free,
            TrainingRows = train.Count,
            Weights = run.Weights,
            Blocks = run.Blocks,
            Width = run.Width,
            Snippet = new RecipeDifference(kinds).ToYaml(recipe, advised),
        };
    }

    private static (IReadOnlyList<Recommendation> Advice, Recipe Advised) Follow(AdviceFacts facts, KindCatalog kinds)
    {
        var advice = new List<Recommendation>();
        foreach (IAdviceRule rule in BuiltInAdvice.All)
        {
            if (rule.Advise(facts) is not { } recommendation)
            {
                continue;
            }

            advice.Add(recommendation);
            Recipe recipe = recommendation.Change?.Invoke(facts.Recipe) ?? facts.Recipe;
            facts = facts with { Run = facts.Run with { Recipe = recipe, Method = kinds.KindOf(typeof(TuningOptions), recipe.Tuning.GetType()) } };
        }

        return (advice, facts.Recipe);
    }

    private static IReadOnlyList<Example> Encode(IObjective objective, IReadOnlyList<DataRow> rows, Recipe recipe)
    {
        var invalid = new List<DatasetException>();
        IReadOnlyList<Example> examples = rows.Count == 0 ? [] : objective.Encode(rows, invalid);
        return invalid.Count > 0 && !recipe.Data.SkipInvalid ? throw InvalidRows.Error(invalid)
            : rows.Count > 0 && examples.Count == 0 ? throw new DatasetException(ErrorCodes.DatasetEmpty, rows[0].File, 0, 0, $"none of the {rows.Count} rows can be learned from", "Look at them with 'hieno lint'")
            : examples;
    }

    // The ways of tuning between which advice chooses, without applying them: that would copy weights.
    private static IEnumerable<Learning> Candidates(PretrainedModel model)
    {
        Parameter[] all = [.. model.Parameters()];
        var fresh = model.NewlyInitialized.ToHashSet(StringComparer.Ordinal);
        Parameter[] head = [.. all.Where(parameter => parameter.Kind == ParameterKind.Head || fresh.Contains(parameter.Name))];
        Linear[] layers = [.. TunedModel.Linears(model).Where(layer => layer.Weight.Kind != ParameterKind.Head)];
        int blocks = model.Blocks.Count;
        yield return new Learning("full", all);
        yield return new Learning($"partial, last {blocks - (blocks / 2)} blocks", [.. all.Where(parameter => parameter.Depth > blocks / 2).Union(head)]);
        if (layers.Length > 0)
        {
            yield return Learning.LowRank("lora", [.. all.Where(parameter => fresh.Contains(parameter.Name))], layers, CandidateRank, blocks);
        }

        if (head.Length > 0)
        {
            yield return new Learning("head", head);
        }
    }

    // Full tuning is not applied: marking a weight copies it out of its file, and advice must not need the memory that it warns of.
    private static Learning Own(Recipe recipe, KindCatalog kinds, PretrainedModel model, RunInput input, out Func<Parameter, bool> learns)
    {
        string name = kinds.KindOf(typeof(TuningOptions), recipe.Tuning.GetType());
        if (recipe.Tuning is FullOptions)
        {
            learns = _ => true;
            return new Learning(name, [.. model.Parameters()]);
        }

        TunedModel tuned = recipe.Tuning.Create().Apply(model, recipe.Seed, input.Tokenizer?.Tokenizer);
        tuned = input.Tokens is null ? tuned : TokenRows.Train(tuned, input.Tokens.Ids);
        learns = parameter => parameter.Trainable;
        return Learning.Of(name, tuned);
    }
}
