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
/// tokens are chosen changes each time a row is read.
/// </summary>
/// <remarks>Devlin et al. 2018, <see href="https://arxiv.org/abs/1810.04805"/>, section 3.1; drawing anew each time: Liu et al. 2019, <see href="https://arxiv.org/abs/1907.11692"/>, section 4.1.</remarks>
public sealed class MaskedLanguageModeling(MaskedLanguageModelingOptions options) : LanguageModeling
{
    private int _mask;

    /// <inheritdoc/>
    public override void Prepare(ObjectiveContext context, IReadOnlyList<DataRow> train)
    {
        ArgumentNullException.ThrowIfNull(context);
        base.Prepare(context, train);
        _mask = context.Tokenizer.MaskId ?? throw new CheckpointException(ErrorCodes.CheckpointConfigKeyMissing, context.Tokenizer.Folder, "the tokenizer has no mask token", "Choose a base model that was made for masked language modelling");
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
                examples.AddRange(Pieces(row));
            }
            catch (DatasetException fault)
            {
                invalid.Add(fault);
            }
        }

        return examples;
    }

    /// <inheritdoc/>
    public override Batch Collate(IReadOnlyList<Example> examples, Rng rng, ulong draw)
    {
        ArgumentNullException.ThrowIfNull(examples);
        int[] ids = [.. examples.SelectMany(example => example.Ids)];
        bool[] special = [.. examples.SelectMany(example => example.Special!)];
        int[] labels = new int[ids.Length];
        int vocabulary = Context.Tokenizer.Tokenizer.VocabularySize;
        for (int i = 0; i < ids.Length; i++)
        {
            var words = rng.Block(draw, (ulong)i);
            if (special[i] || Rng.ToUnit(words.A) >= options.MaskRate)
            {
                labels[i] = Example.Ignore;
                continue;
            }

            labels[i] = ids[i];
            float fate = Rng.ToUnit(words.B);
            ids[i] = fate < 0.8f ? _mask : fate < 0.9f ? (int)(((ulong)words.C * (uint)vocabulary) >> 32) : ids[i];
        }

        return new Batch(examples, ids, labels);
    }

    // A long text becomes several rows, each between its own [CLS] and [SEP].
    private IEnumerable<Example> Pieces(DataRow row)
    {
        Tokenizer tokenizer = Context.Tokenizer.Tokenizer;
        string text = CausalLanguageModeling.TextOf(row, Context.Data);
        Encoding plain = tokenizer.Encode(text, addSpecialTokens: false);
        Encoding framed = tokenizer.Encode(string.Empty, addSpecialTokens: true);
        int room = Context.MaxLength - framed.Length;
        int before = framed.Length / 2;
        for (int start = 0; start < plain.Length; start += room)
        {
            int count = Math.Min(room, plain.Length - start);
            int[] ids = [.. framed.Ids[..before], .. plain.Ids[start..(start + count)], .. framed.Ids[before..]];
            bool[] special = new bool[ids.Length];
            Array.Fill(special, true, 0, before);
            Array.Fill(special, true, before + count, framed.Length - before);
            yield return new Example { Ids = ids, Special = special, Source = $"{Path.GetFileName(row.File)}, line {row.Line}" };
        }
    }
}
