using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Generation;

/// <summary>
/// Several texts that grow side by side. Each step reads the tokens that the model has not read yet (a part of a prompt, or the token
/// generated last) and computes logits for the texts that are read to their end. Texts that have ended take no part.
/// </summary>
internal sealed class GenerationRun
{
    // A prompt is read in parts of this many tokens, cut at the same places whatever else is read with it; a step reads up to MostTokens
    // of prompts. So memory does not grow with the prompts, and a cancelled run ends soon.
    private const int PartOfPrompt = 512;
    private const int MostTokens = 2048;

    private readonly TextModel _model;
    private readonly TextRow[] _rows;
    private readonly TokenChooser _chooser;
    private readonly HashSet<int> _eos;
    private readonly KvCache _cache;
    private readonly float[] _logits;

    /// <summary>Prepares a run; the memory of keys and values grows with the texts.</summary>
    /// <param name="model">A causal model with a token output.</param>
    /// <param name="rows">The texts.</param>
    /// <param name="longest">The most tokens a text can have.</param>
    /// <param name="chooser">Chooses tokens.</param>
    /// <param name="eos">Tokens that end a text.</param>
    public GenerationRun(TextModel model, TextRow[] rows, int longest, TokenChooser chooser, IEnumerable<int> eos)
    {
        (_model, _rows, _chooser, _eos) = (model, rows, chooser, [.. eos]);
        Backbone backbone = model.Backbone;
        _cache = new KvCache(backbone.Blocks.Count, rows.Length, longest + backbone.VirtualTokenCount, backbone.KeyWidth, Where);
        _logits = new float[(long)rows.Length * model.LanguageHead!.Projection.Value.Shape[0]];
    }

    private Backend Where => _model.Backbone.TokenTable.Value.Backend;

    /// <summary>Generates until all texts have ended.</summary>
    public IEnumerable<GeneratedToken> Run(CancellationToken cancellation)
    {
        for (TextRow[] growing = _rows; growing.Length > 0; growing = Array.FindAll(growing, row => row.Finish is null))
        {
            cancellation.ThrowIfCancellationRequested();
            TextRow[] read = Read(Plan(growing));
            int vocabulary = _logits.Length / _rows.Length;
            for (int i = 0; i < read.Length; i++)
            {
                TokenChoice choice = _chooser.Choose(read[i], _logits.AsSpan(i * vocabulary, vocabulary));
                yield return read[i].Add(choice, _eos.Contains(choice.Id));
            }
        }
    }

    // Which texts read how many tokens in this step: the generated ones always, prompts while there is room.
    private static List<(TextRow Row, int Count)> Plan(TextRow[] growing)
    {
        var plan = new List<(TextRow, int)>(growing.Length);
        int tokens = 0;
        foreach (TextRow row in growing)
        {
            int count = Math.Min(row.Count - row.Read, PartOfPrompt);
            if (count == 1 || tokens == 0 || tokens + count <= MostTokens)
            {
                plan.Add((row, count));
                tokens += count;
            }
        }

        return plan;
    }

    /// <summary>Runs the model over the planned tokens and leaves the logits of the texts that are read to their end in order.</summary>
    /// <returns>These texts.</returns>
    private TextRow[] Read(List<(TextRow Row, int Count)> plan)
    {
        using var tape = Tape.Begin(record: false, backend: Where);
        TokenBatch batch = BatchOf(plan);
        Tensor hidden = _model.Backbone.Forward(batch);
        foreach ((TextRow row, int count) in plan)
        {
            row.Read += count;
        }

        int[] lastTokens = batch.LastTokens();
        int[] complete = [.. Enumerable.Range(0, plan.Count).Where(i => plan[i].Row.Read == plan[i].Row.Count)];
        if (complete.Length > 0)
        {
            int[] picked = Array.ConvertAll(complete, i => lastTokens[i]);
            Tensor logits = _model.LanguageHead!.Logits(picked.Length == hidden.Rows ? hidden : Ops.Rows(hidden, picked)); // [complete, V]
            logits.Backend.CopyToHost(logits, _logits.AsSpan(0, (int)logits.Count));
        }

        return Array.ConvertAll(complete, i => plan[i].Row);
    }

    private TokenBatch BatchOf(List<(TextRow Row, int Count)> plan)
    {
        int[] lengths = [.. plan.Select(part => part.Count)];
        int[] ids = new int[lengths.Sum()];
        int next = 0;
        foreach ((TextRow row, int count) in plan)
        {
            row.Unread(count).CopyTo(ids.AsSpan(next));
            next += count;
        }

        return new TokenBatch(ids, lengths)
        {
            Cache = _cache,
            CacheRows = [.. plan.Select(part => part.Row.Index)],
            GivenLengths = [.. plan.Select(part => part.Row.PromptLength)],
            TextStarts = [.. plan.Select(part => part.Row.Read)],
            Adapters = plan.Exists(part => part.Row.Adapter is not null) ? [.. plan.Select(part => part.Row.Adapter)] : null,
        };
    }
}
