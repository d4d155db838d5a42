using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>Settings of <see cref="MultipleChoice"/>.</summary>
public sealed record MultipleChoiceOptions : ObjectiveOptions, IValidated
{
    /// <summary>The choices of rows that have no column <c>choices</c> of their own, such as the names of labels. Default: none.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>What stands between a row's text and a choice; spaces at its end are read as the beginning of the choice. Default: a space.</summary>
    public string Separator { get; init; } = " ";

    /// <summary>Factor of the right choice's −log p, the mean over its tokens. Default 1.</summary>
    [Range(0.0, 1e3)]
    public double Likelihood { get; init; } = 1;

    /// <summary>Factor of −log(1 − p + 0.01) of the wrong choices, the mean over their tokens (Welleck et al. 2019). Default 1.</summary>
    [Range(0.0, 1e3)]
    public double Unlikelihood { get; init; } = 1;

    /// <summary>Factor of the cross-entropy over the choices, whose scores are their log-probabilities by their lengths. Default 1.</summary>
    [Range(0.0, 1e3)]
    public double LengthNormalized { get; init; } = 1;

    /// <summary>The power of a choice's number of tokens by which its log-probability is divided, in the loss and when choices are ranked. Default 1: the mean.</summary>
    [Range(0.0, 4.0)]
    public double LengthPower { get; init; } = 1;

    /// <inheritdoc/>
    public override IObjective Create() => new MultipleChoice(this);

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Likelihood + Unlikelihood + LengthNormalized <= 0)
        {
            yield return "'likelihood', 'unlikelihood' and 'lengthNormalized' are all 0, so that nothing would be learned. Give one of them a value.";
        }
    }
}

/// <summary>
/// Answering by choosing: a language model reads each choice behind the row's text, and learns to find the right one likely, the wrong ones
/// unlikely, and the right one likelier than the others. It answers with the choice of the largest score.
/// </summary>
/// <remarks>
/// T-Few: Liu et al. 2022, <see href="https://arxiv.org/abs/2205.05638"/>, section 3.2. There tokens are averaged over a batch; here over a row, so
/// that each row weighs the same and accumulated batches give the same step.
/// </remarks>
public sealed class MultipleChoice(MultipleChoiceOptions options) : IObjective
{
    private static readonly string[] s_labelColumns = ["label", "answer", "target"];

    private readonly ChoiceLosses _losses = new(options.Likelihood, options.Unlikelihood, options.LengthNormalized, options.LengthPower);
    private ObjectiveContext _context = null!;

    /// <inheritdoc/>
    public HeadChoice Head => HeadChoice.Language;

    /// <inheritdoc/>
    public IReadOnlyList<string> DefaultMetrics => ["accuracy"];

    /// <inheritdoc/>
    public void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        _context = context;
        if (context.Data.Packing)
        {
            throw new DatasetException(ErrorCodes.RecipeValueOutOfRange, "data.packing", 0, 0, "a row is read once with each of its choices, which cannot be packed", "Take the setting out of the recipe");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(invalid);
        var examples = new List<Example>(rows.Count);
        int cut = 0;
        foreach (DataRow row in rows)
        {
            try
            {
                Example example = EncodeRow(row, out bool wasCut);
                cut += wasCut ? 1 : 0;
                examples.Add(example);
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        if (cut > 0)
        {
            _context.Log($"{cut} of {rows.Count} rows were longer than {_context.MaxLength} tokens and were cut at the beginning");
        }

        return examples;
    }

    /// <inheritdoc/>
    public Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw)
    {
        ArgumentNullException.ThrowIfNull(examples);
        Example[] choices = [.. examples.SelectMany(example => example.Alternatives)];
        return LanguageModeling.NextTokenBatch(choices);
    }

    /// <inheritdoc/>
    public double TargetWeight(Batch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return RowsOf(batch).Count();
    }

    /// <inheritdoc/>
    public Tensor Loss(PretrainedModel model, Batch batch, float scale)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        (Tensor logits, int[] labels) = Read(model, batch);
        return Ops.LogProbabilityLoss(logits, labels, logProbabilities =>
        {
            (double loss, int start, double[] gradient) = (0, 0, new double[logProbabilities.Length]);
            foreach (Row row in RowsOf(batch))
            {
                int count = row.Lengths.Sum();
                loss += _losses.Compute(logProbabilities.AsSpan(start, count), row.Lengths, row.Right, gradient.AsSpan(start, count));
                start += count;
            }

            return (loss * scale, Array.ConvertAll(gradient, value => value * scale));
        });
    }

    /// <inheritdoc/>
    public IPredictionCollector Collect() => new Collector(this);

    /// <inheritdoc/>
    public void Describe(JsonObject config)
    {
        // A language model's configuration says all there is to know.
    }

    private Example EncodeRow(DataRow row, out bool wasCut)
    {
        string text = CausalLanguageModeling.TextOf(row, _context.Data);
        string[] choices = ChoicesOf(row);
        int right = RightOf(row, choices);
        wasCut = false;
        var examples = new Example[choices.Length];
        for (int i = 0; i < choices.Length; i++)
        {
            MaskedTokens tokens = Tokens(row, text, choices[i], out bool cut);
            wasCut |= cut;
            string source = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(row.File)}, line {row.Line}");
            examples[i] = new Example { Ids = tokens.Ids, TokenLabels = tokens.Labels, Class = right, Choice = i, Source = source };
        }

        return examples[right] with { Alternatives = examples };
    }

    private MaskedTokens Tokens(DataRow row, string text, string choice, out bool wasCut)
    {
        string prompt = text + options.Separator.TrimEnd(' ');
        string whole = text + options.Separator + choice;
        var plain = MaskedTokens.Of(_context.Tokenizer, new RenderedConversation(whole, [new Answer(prompt.Length, whole.Length, 1f)]), learnPrompts: false);
        int frame = plain.Framed(_context.Tokenizer).Ids.Length - plain.Ids.Length;
        int surplus = Math.Max(0, plain.Ids.Length + frame - _context.MaxLength);
        wasCut = surplus > 0;
        int prompted = Array.FindIndex(plain.Labels, label => label != Example.Ignore);
        if (prompted < 1 || surplus >= prompted)
        {
            string fact = prompted < 1 ? $"the choice '{choice}' has no token of its own behind the text" : $"the choice '{choice}' alone fills all {_context.MaxLength} tokens";
            throw row.Error(ErrorCodes.DatasetRowInvalid, fact, "Shorten or reword the choices, raise 'data.maxLength', or set 'data.skipInvalid: true'");
        }

        return new MaskedTokens(plain.Ids[surplus..], plain.Labels[surplus..], plain.Weights[surplus..]).Framed(_context.Tokenizer);
    }

    private string[] ChoicesOf(DataRow row)
    {
        string[] choices = [.. options.Choices];
        if (row.TryGet("choices", out JsonElement own))
        {
            choices = own.ValueKind == JsonValueKind.Array && own.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
                ? [.. own.EnumerateArray().Select(item => item.GetString()!)]
                : throw row.Error(ErrorCodes.DatasetColumnType, "'choices' is not a list of texts", "Write the choices of a row as [\"…\", \"…\"]");
        }
        else if (choices.Length == 0)
        {
            throw row.Error(ErrorCodes.DatasetColumnMissing, "there is no column 'choices'", "Give each row its choices, or name those of all rows in 'task.choices'");
        }

        return choices.Length > 1 && !choices.Contains(string.Empty) && choices.Distinct(StringComparer.Ordinal).Count() == choices.Length
            ? choices
            : throw row.Error(ErrorCodes.DatasetRowInvalid, $"its choices are {string.Join(", ", choices.Select(choice => $"'{choice}'"))}", "Give at least two different ones");
    }

    // The text of a choice, or its number from 0.
    private int RightOf(DataRow row, string[] choices)
    {
        string column = _context.Data.LabelColumn ?? Array.Find(s_labelColumns, name => row.TryGet(name, out _)) ?? s_labelColumns[0];
        string label = LabelSet.TextOf(row, column);
        int index = Array.IndexOf(choices, label);
        return index >= 0 || (int.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < choices.Length)
            ? index
            : throw row.Error(ErrorCodes.DatasetLabelUnknown, $"'{column}' is '{label}', which is neither one of the {choices.Length} choices nor its number from 0", "Correct the row");
    }

    /// <summary>Logits of the tokens of all choices, in order, and the tokens themselves.</summary>
    private static (Tensor Logits, int[] Labels) Read(PretrainedModel model, Batch batch)
    {
        TextModel text = model as TextModel ?? throw new InvalidOperationException("Choosing reads text, and this model reads pictures.");
        var head = text.LanguageHead ?? throw new InvalidOperationException("Choosing needs a model that was opened with HeadChoice.Language.");
        if (!text.Backbone.IsCausal)
        {
            throw new CheckpointException(ErrorCodes.GenerationModelUnsuitable, model.Config.ModelType, "its tokens see those after them, so that it gives no text a probability", "Use a causal model, such as GPT-2, or the task 'classification'");
        }

        int[] places = [.. Enumerable.Range(0, batch.Labels.Length).Where(i => batch.Labels[i] != Example.Ignore)];
        return (head.Logits(text.Backbone.Forward(batch.Tokens, places)), Array.ConvertAll(places, i => batch.Labels[i]));
    }

    private static IEnumerable<Row> RowsOf(Batch batch)
    {
        for (int first = 0; first < batch.Examples.Count;)
        {
            int end = first + 1;
            while (end < batch.Examples.Count && batch.Examples[end].Choice > 0)
            {
                end++;
            }

            int[] lengths = [.. Enumerable.Range(first, end - first).Select(i => batch.Examples[i].TokenLabels!.Count(label => label != Example.Ignore))];
            yield return new Row(lengths, batch.Examples[first].Class);
            first = end;
        }
    }

    /// <summary>A row of a batch.</summary>
    /// <param name="Lengths">Tokens of each choice.</param>
    /// <param name="Right">The number of the right one.</param>
    private sealed record Row(int[] Lengths, int Right);

    /// <summary>Ranks the choices of each row by their scores.</summary>
    private sealed class Collector(MultipleChoice objective) : IPredictionCollector
    {
        private readonly List<(int Right, double[] Scores)> _rows = [];

        public void Add(PretrainedModel model, Batch batch)
        {
            using Tape tape = Tape.Begin(record: false, backend: model.Backend);
            (Tensor logits, int[] labels) = Read(model, batch);
            Ops.LogProbabilityLoss(logits, labels, logProbabilities =>
            {
                int start = 0;
                foreach (Row row in RowsOf(batch))
                {
                    double[] scores = new double[row.Lengths.Length];
                    for (int choice = 0; choice < scores.Length; start += row.Lengths[choice++])
                    {
                        scores[choice] = objective._losses.Score(logProbabilities.AsSpan(start, row.Lengths[choice]));
                    }

                    _rows.Add((row.Right, scores));
                }

                return (0, new double[logProbabilities.Length]);
            });
        }

        // Rows with choices of their own have no labels in common, only right and wrong.
        public Predictions Result() => objective.Named(_rows);
    }

    private ClassPredictions Named(List<(int Right, double[] Scores)> rows)
    {
        int[] truth = [.. rows.Select(row => row.Right)];
        if (rows.Exists(row => row.Scores.Length != rows[0].Scores.Length) || rows.Count == 0)
        {
            return ClassPredictions.FromLabels(truth, [.. rows.Select(row => Array.IndexOf(row.Scores, row.Scores.Max()))]);
        }

        float[,] scores = new float[rows.Count, rows[0].Scores.Length];
        for (int row = 0; row < rows.Count; row++)
        {
            for (int choice = 0; choice < rows[row].Scores.Length; choice++)
            {
                scores[row, choice] = (float)rows[row].Scores[choice];
            }
        }

        return ClassPredictions.FromLogits(truth, scores, options.Choices.Count == rows[0].Scores.Length ? options.Choices : null);
    }
}
