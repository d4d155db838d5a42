using System.ComponentModel.DataAnnotations;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Formats.Tokenizers;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Objectives;

/// <summary>Settings of <see cref="MaskedLanguageModeling"/>.</summary>
public sealed record MaskedLanguageModelingOptions : ObjectiveOptions
{
    /// <summary>Share of the tokens that are hidden and must be guessed. Default 0.15.</summary>
    [Range(0.01, 0.9)]
    public double MaskRate { get; init; } = 0.15;

    /// <inheritdoc/>
    public override IObjective Create() => new MaskedLanguageModeling(this);
}

/// <summary>
/// Guessing hidden tokens: of those chosen, 80 % are replaced by the mask token, 10 % by a random one and 10 % are left as they are. Which
/// tokens are chosen changes each time a row is read. Special tokens are never chosen, and of each row at least one token is.
/// </summary>
/// <remarks>Devlin et al. 2018, <see href="https://arxiv.org/abs/1810.04805"/>, section 3.1; drawing anew each time: Liu et al. 2019, <see href="https://arxiv.org/abs/1907.11692"/>, section 4.1.</remarks>
public sealed class MaskedLanguageModeling(MaskedLanguageModelingOptions options) : LanguageModeling
{
    private int _mask;
    private int _vocabulary;
    private int[] _before = [];
    private int[] _after = [];

    /// <inheritdoc/>
    public override void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        base.Prepare(context, train);
        _mask = context.Tokenizer.MaskId ?? throw new CheckpointException(ErrorCodes.CheckpointConfigKeyMissing, context.Tokenizer.Folder, "the tokenizer has no mask token", "Choose a base model that was made for masked language modelling");
        _vocabulary = context.Tokenizer.Tokenizer.VocabularySize;
        (_before, _after) = context.Tokenizer.Frame();
        if (_before.Length + _after.Length >= context.MaxLength)
        {
            throw new DatasetException(ErrorCodes.DatasetRowInvalid, "data.maxLength", 0, 0, $"{context.MaxLength} tokens leave no room beside the {_before.Length + _after.Length} special tokens of each row", "Raise it");
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Example> Encode(IReadOnlyList<DataRow> rows, ICollection<DatasetException> invalid)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(invalid);
        var examples = new List<Example>(rows.Count);
        foreach (DataRow row in rows)
        {
            try
            {
                examples.AddRange(Pieces(row).Select((piece, i) => piece with { Number = examples.Count + i }).ToArray());
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        return examples;
    }

    /// <inheritdoc/>
    public override bool ReadsRowsAsTheyAre => false;

    /// <inheritdoc/>
    public override Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw)
    {
        ArgumentNullException.ThrowIfNull(examples);
        int[] ids = [.. examples.SelectMany(example => example.Ids)];
        int[] labels = new int[ids.Length];
        Array.Fill(labels, Example.Ignore);
        int start = 0;
        foreach (Example example in examples)
        {
            Hide(example, rng, draw, ids.AsSpan(start, example.Ids.Length), labels.AsSpan(start, example.Ids.Length));
            start += example.Ids.Length;
        }

        return new Batch(examples, ids, labels);
    }

    // Which tokens are hidden depends on the draw and the row, not on the batch the row is in. At least one is, or short rows would teach nothing.
    private void Hide(Example example, Rng rng, ulong draw, Span<int> ids, Span<int> labels)
    {
        ulong row = (ulong)(uint)example.Number << 32;
        (float Least, int At) first = (float.PositiveInfinity, -1);
        bool any = false;
        for (int i = 0; i < ids.Length; i++)
        {
            if (example.Special![i])
            {
                continue;
            }

            var words = rng.Block(draw, row | (uint)i);
            float chance = Rng.ToUnit(words.A);
            first = chance < first.Least ? (chance, i) : first;
            if (chance < options.MaskRate)
            {
                Hide(ids, labels, i, words);
                any = true;
            }
        }

        if (!any)
        {
            Hide(ids, labels, first.At, rng.Block(draw, row | (uint)first.At));
        }
    }

    private void Hide(Span<int> ids, Span<int> labels, int at, (uint A, uint B, uint C, uint D) words)
    {
        labels[at] = ids[at];
        float fate = Rng.ToUnit(words.B);
        ids[at] = fate < 0.8f ? _mask : fate < 0.9f ? (int)(((ulong)words.C * (uint)_vocabulary) >> 32) : ids[at];
    }

    // A long text becomes several rows, each between its own [CLS] and [SEP].
    private IEnumerable<Example> Pieces(DataRow row)
    {
        Tokenizer tokenizer = Context.Tokenizer.Tokenizer;
        int[] text = tokenizer.Encode(CausalLanguageModeling.TextOf(row, Context.Data), addSpecialTokens: false).Ids;
        if (!Array.Exists(text, id => !IsSpecial(id)))
        {
            throw row.Error(ErrorCodes.DatasetRowInvalid, "the text has no token that could be guessed", "Fill the text, or set 'data.skipInvalid: true'");
        }

        int room = Context.MaxLength - _before.Length - _after.Length;
        foreach (int[] piece in text.Chunk(room).Where(piece => Array.Exists(piece, id => !IsSpecial(id))))
        {
            int[] ids = [.. _before, .. piece, .. _after];
            bool[] special = Array.ConvertAll(ids, IsSpecial);
            Array.Fill(special, true, 0, _before.Length);
            Array.Fill(special, true, ids.Length - _after.Length, _after.Length);
            yield return new Example { Ids = ids, Special = special, Task = Context.TaskOf(row), Source = $"{Path.GetFileName(row.File)}, line {row.Line}" };
        }
    }

    private bool IsSpecial(int id) => Context.Tokenizer.Tokenizer.AddedTokens.TryGetValue(id, out AddedToken? token) && token.Special;
}
