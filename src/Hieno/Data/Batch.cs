using Hieno.Augmentation;
using Hieno.Models;
using Hieno.Models.Vision;

namespace Hieno.Data;

/// <summary>Examples that go through the model together.</summary>
public sealed class Batch
{
    private readonly TokenBatch? _tokens;
    private readonly ImageBatch? _images;

    /// <summary>Lays examples end to end.</summary>
    public Batch(IReadOnlyList<Example> examples)
    {
        ArgumentNullException.ThrowIfNull(examples);
        Examples = examples;
        int[] lengths = [.. examples.Select(example => example.Ids.Length)];
        int[] ids = [.. examples.SelectMany(example => example.Ids)];
        int[]? types = examples.Any(example => example.TokenTypes is not null)
            ? [.. examples.SelectMany(example => example.TokenTypes ?? new int[example.Ids.Length])]
            : null;
        string?[]? tasks = examples.Any(example => example.Task is not null) ? [.. examples.Select(example => example.Task)] : null;
        _tokens = new TokenBatch(ids, lengths) { TokenTypes = types, Tasks = tasks };
        Labels = [];
    }

    /// <summary>As <see cref="Batch(IReadOnlyList{Example})"/>, with other token ids and with labels for each position.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="ids">Ids to read, [N].</param>
    /// <param name="labels">What each position is to predict, or <see cref="Example.Ignore"/>, [N].</param>
    /// <param name="weights">How much each position counts, [N]; null means 1 each.</param>
    public Batch(IReadOnlyList<Example> examples, int[] ids, int[] labels, float[]? weights = null)
        : this(examples)
    {
        _tokens = new TokenBatch(ids, Tokens.Lengths) { TokenTypes = Tokens.TokenTypes, Tasks = Tokens.Tasks, GivenLengths = [.. examples.Select(GivenOf)] };
        (Labels, Weights) = (labels, weights);
    }

    /// <summary>Pictures that a model reads together.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="images">Their pictures, in the same order.</param>
    public Batch(IReadOnlyList<Example> examples, ImageBatch images)
    {
        (Examples, _images, Labels) = (examples, images, []);
    }

    /// <summary>Pictures and texts that a model compares.</summary>
    /// <param name="examples">The rows.</param>
    /// <param name="images">Their pictures, in the same order.</param>
    /// <param name="texts">The different texts of these rows.</param>
    /// <param name="textOf">For each row the number of its text.</param>
    public Batch(IReadOnlyList<Example> examples, ImageBatch images, TokenBatch texts, int[] textOf)
    {
        (Examples, _images, _tokens, Labels) = (examples, images, texts, textOf);
    }

    /// <summary>The rows.</summary>
    public IReadOnlyList<Example> Examples { get; }

    /// <summary>The tokens that a text model reads.</summary>
    /// <exception cref="InvalidOperationException">The rows are pictures.</exception>
    public TokenBatch Tokens => _tokens ?? throw new InvalidOperationException("The rows of this batch are pictures, which a text model cannot read.");

    /// <summary>The pictures that a vision model reads.</summary>
    /// <exception cref="InvalidOperationException">The rows are texts.</exception>
    public ImageBatch Images => _images ?? throw new InvalidOperationException("The rows of this batch are texts, which a vision model cannot read.");

    /// <summary>How pictures were mixed with each other, and their targets with them; null where they were not.</summary>
    public BatchMix? Mix { get; init; }

    /// <summary>How much there is to read: tokens of texts, or pictures.</summary>
    public int Positions => _images?.Count ?? Tokens.Ids.Length;

    /// <summary>What each position is to predict, [N]; where pictures and texts are compared, the text of each row; empty where rows and not tokens are learned.</summary>
    public int[] Labels { get; }

    /// <summary>How much each position counts, [N]; null means 1 each.</summary>
    public float[]? Weights { get; }

    // Up to the first token that is to be predicted; of a text that is learned from its beginning, all of it.
    private static int GivenOf(Example example)
    {
        int first = example.TokenLabels is null ? -1 : Array.FindIndex(example.TokenLabels, label => label != Example.Ignore);
        return first > 0 ? first : example.Ids.Length;
    }

    /// <summary>The weights of all positions that are learned, added up: what a mean loss is divided by.</summary>
    public double TargetWeight()
    {
        double sum = 0;
        for (int i = 0; i < Labels.Length; i++)
        {
            if (Labels[i] != Example.Ignore)
            {
                sum += Weights?[i] ?? 1f;
            }
        }

        return sum;
    }
}
