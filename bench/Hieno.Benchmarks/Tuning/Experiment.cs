using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hieno.Data;
using Hieno.Objectives;
using Hieno.Recipes;

namespace Hieno.Benchmarks.Tuning;

/// <summary>A recipe on which all ways of tuning are tried.</summary>
internal sealed class Experiment
{
    /// <summary>Rows of the training file that choose the rate, and the seed they are drawn by; no run that is reported has this seed.</summary>
    public const int ChoiceRows = 500;

    /// <inheritdoc cref="ChoiceRows"/>
    public const ulong ChoiceSeed = 0;

    /// <summary>The seeds that are reported.</summary>
    public static readonly ulong[] Seeds = [1, 2, 3];

    private readonly string _dataHash;
    private readonly string _baseHash;

    /// <summary>Reads a recipe.</summary>
    /// <param name="path">The recipe, its paths as seen from the working folder.</param>
    public Experiment(string path)
    {
        Path = path;
        Recipe recipe = Recipe.Load(path);
        Task = Kinds.KindOf(typeof(ObjectiveOptions), recipe.Task.GetType());
        _dataHash = DataSplit.Read(recipe.Data, recipe.Seed).Hash;
        _baseHash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(System.IO.Path.Combine(recipe.Base, "model.safetensors"))));
    }

    /// <summary>The recipe file.</summary>
    public string Path { get; }

    /// <summary>The recipe's name.</summary>
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    /// <summary>The kind of the task.</summary>
    public string Task { get; }

    /// <summary>The metric that table and chart show: accuracy for classes, else perplexity.</summary>
    public string Metric => IsClassification ? "accuracy" : "perplexity";

    /// <summary>The metric that chooses the rate. Of classes not the accuracy, by which a model that always gives the commonest label can win.</summary>
    public string ChoiceMetric => IsClassification ? "macro-f1" : "perplexity";

    /// <summary>True where labels are learned.</summary>
    public bool IsClassification => Task == "classification";

    private static KindCatalog Kinds { get; } = BuiltIns.Kinds();

    /// <summary>The rows that fit the task.</summary>
    public IEnumerable<TuningRow> Rows => TuningRows.All.Where(row => row.Only is null || row.Only == Task);

    /// <summary>The run folder of a row and seed.</summary>
    public string FolderOf(TuningRow row, ulong seed) => $"runs/tuning/{Name}/{row.Key}-{seed}";

    /// <summary>The model that the row "full" makes with the first seed, which others read.</summary>
    public string FullModel => $"runs/tuning/{Name}/{TuningRow.Full}-{Seeds[0]}/final";

    /// <summary>The flags of a row at a rate and with a seed, as the table shows them.</summary>
    public string[] Flags(TuningRow row, double rate, ulong seed) =>
        [.. row.Arguments(FullModel), "--training.learningRate", Rate(rate), "--seed", $"{seed}"];

    /// <summary>The recipe of a run on the test rows, exactly as <c>hieno train</c> reads it with <see cref="Flags"/>.</summary>
    public Recipe Test(TuningRow row, double rate, ulong seed) => Load(Flags(row, rate, seed)) with { Output = FolderOf(row, seed) };

    /// <summary>The recipe of a run that chooses the rate: some of the training rows are held out, the test file is not read.</summary>
    public Recipe Choice(TuningRow row, double rate)
    {
        Recipe recipe = Load(Flags(row, rate, ChoiceSeed));
        return recipe with
        {
            Data = recipe.Data with { Validation = $"{ChoiceRows}", Test = null },
            Training = recipe.Training with { EvaluateEvery = int.MaxValue },
            Output = $"runs/tuning/{Name}/choice",
        };
    }

    /// <summary>What a run is: the recipe file, the settings of the row, the data and the base model. A setting that recipes gain later changes nothing.</summary>
    public string HashOf(Measurement what, TuningRow row, double rate, ulong seed)
    {
        string flags = string.Join(' ', Flags(row, rate, seed));
        string held = what == Measurement.Choice ? $"{ChoiceRows} held out" : "all";
        byte[] text = Encoding.UTF8.GetBytes(string.Join('\n', File.ReadAllText(Path).ReplaceLineEndings("\n"), flags, held, _dataHash, _baseHash));
        return Convert.ToHexStringLower(SHA256.HashData(text))[..16];
    }

    /// <summary>A rate as it is written: <c>3e-4</c>.</summary>
    public static string Rate(double rate) => rate.ToString("0.#e-0", CultureInfo.InvariantCulture);

    private Recipe Load(string[] flags) => Recipe.Load(Path, RecipeOverrides.Parse(flags));
}
