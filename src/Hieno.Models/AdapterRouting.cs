using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Models;

/// <summary>The tokens of a batch that go through one adapter.</summary>
/// <param name="Name">The adapter's name.</param>
/// <param name="Rows">Their rows; null means all.</param>
/// <param name="Tokens">Their places among all tokens, rising; null means all.</param>
internal sealed record AdapterGroup(string Name, int[]? Rows, int[]? Tokens)
{
    /// <summary>The vectors of these tokens.</summary>
    public Tensor Of(Tensor x) => Tokens is null ? x : Ops.Rows(x, Tokens);

    /// <summary>The ids of these tokens.</summary>
    public int[] Of(int[] ids) => Tokens is null ? ids : Array.ConvertAll(Tokens, token => ids[token]);

    /// <summary>A batch of these rows alone.</summary>
    public TokenBatch Of(TokenBatch batch) => Rows is null ? batch : batch.Only(Rows, Tokens!);
}

/// <summary>
/// Which adapter each row of a batch goes through, while the batch passes a body. Places at which adapters act ask for it; without one they
/// follow the parts' switches.
/// </summary>
internal sealed class AdapterRouting
{
    // As with the tape, a pass stays on the thread it began on.
    [ThreadStatic]
    private static AdapterRouting? t_current;

    private readonly AdapterGroup[] _groups;

    private AdapterRouting(AdapterGroup[] groups) => _groups = groups;

    /// <summary>The routing of the pass at hand, or null.</summary>
    public static AdapterRouting? Current => t_current;

    /// <summary>The routing of a batch, or null where it names no adapters.</summary>
    /// <exception cref="ArgumentException">A name is not attached, or adds positions, which only whole batches can have; or virtual tokens are switched on.</exception>
    public static AdapterRouting? Of(Backbone backbone, TokenBatch batch)
    {
        if (batch.Adapters is not { } names)
        {
            return null;
        }

        if (names.Count != batch.Rows)
        {
            throw new ArgumentException($"The batch names {names.Count} adapters for {batch.Rows} rows. Name one for each row, or null for the base model.", nameof(batch));
        }

        ILookup<string, AdapterPart> parts = backbone.AttachedParts().ToLookup(part => part.Adapter, StringComparer.Ordinal);
        string[] distinct = [.. names.OfType<string>().Distinct(StringComparer.Ordinal)];
        if (Array.Find(distinct, name => !parts.Contains(name)) is { } unknown)
        {
            throw new ArgumentException($"No adapter called '{unknown}' is attached. Attached are {string.Join(", ", parts.Select(group => group.Key).Order(StringComparer.Ordinal))}.", nameof(batch));
        }

        if (backbone.Parts.OfType<VirtualTokens>().FirstOrDefault(part => part.Enabled || distinct.Contains(part.Adapter)) is { } positions)
        {
            throw new ArgumentException($"The adapter '{positions.Adapter}' adds positions, which all rows of a batch have or none. Run its rows by themselves, with it switched on.", nameof(batch));
        }

        if (backbone.Parts.OfType<SideNetwork>().FirstOrDefault(part => distinct.Contains(part.Adapter)) is { } side)
        {
            throw new ArgumentException($"The adapter '{side.Adapter}' is a network beside the body, which reads whole batches. Run its rows by themselves, with it switched on.", nameof(batch));
        }

        int[] first = batch.FirstTokens();
        return new AdapterRouting(Array.ConvertAll(distinct, name =>
        {
            int[] rows = [.. Enumerable.Range(0, batch.Rows).Where(row => names[row] == name)];
            return new AdapterGroup(name, rows, [.. rows.SelectMany(row => Enumerable.Range(first[row], batch.Lengths[row]))]);
        }));
    }

    /// <summary>The routing of some of the tokens, for a part of a pass that reads these alone.</summary>
    /// <param name="tokens">Their places among all tokens, rising.</param>
    public AdapterRouting Only(int[] tokens)
    {
        var groups = new List<AdapterGroup>();
        foreach (AdapterGroup group in _groups)
        {
            var own = group.Tokens?.ToHashSet();
            int[] places = [.. Enumerable.Range(0, tokens.Length).Where(i => own?.Contains(tokens[i]) != false)];
            if (places.Length > 0)
            {
                groups.Add(group with { Tokens = own is null ? null : places });
            }
        }

        return new AdapterRouting([.. groups]);
    }

    /// <summary>What is computed of no token, but through the adapters of all: once without any, and once for each adapter.</summary>
    /// <param name="tokens">Number of tokens.</param>
    /// <param name="compute">[n, C].</param>
    /// <returns>The results below each other, and for each token which of them is its own.</returns>
    public (Tensor All, int[] Of) ForEach(int tokens, Func<Tensor> compute)
    {
        int[] of = new int[tokens];
        if (_groups is [{ Tokens: null }])
        {
            return (Run(compute), of);
        }

        List<Tensor> results = [new AdapterRouting([]).Run(compute)];
        foreach (AdapterGroup group in _groups)
        {
            Array.ForEach(group.Tokens!, token => of[token] = results.Count);
            results.Add(new AdapterRouting([new AdapterGroup(group.Name, null, null)]).Run(compute));
        }

        return (Ops.Concatenate(results), of);
    }

    /// <summary>Runs a part of a pass under this routing.</summary>
    public T Run<T>(Func<T> body)
    {
        AdapterRouting? outer = t_current;
        t_current = this;
        try
        {
            return body();
        }
        finally
        {
            t_current = outer;
        }
    }

    /// <summary>Lets each adapter change its own tokens; all others keep their bits.</summary>
    /// <param name="y">The vectors before, [N, C].</param>
    /// <param name="change">The vectors of a group with the adapter's change, [its tokens, C]; null where it has none here.</param>
    /// <returns>[N, C].</returns>
    public Tensor Change(Tensor y, Func<AdapterGroup, Tensor?> change)
    {
        if (_groups is [{ Tokens: null } all])
        {
            return change(all) ?? y;
        }

        List<Tensor> parts = [y];
        int[] from = [.. Enumerable.Range(0, y.Rows)];
        int next = y.Rows;
        foreach (AdapterGroup group in _groups)
        {
            // What a part runs inside (keys and values of a prompt, say) is not of these tokens, but goes through the same adapter.
            var inside = new AdapterRouting([new AdapterGroup(group.Name, null, null)]);
            if (inside.Run(() => change(group)) is { } part)
            {
                parts.Add(part);
                foreach (int token in group.Tokens!)
                {
                    from[token] = next++;
                }
            }
        }

        return parts.Count == 1 ? y : Ops.Rows(Ops.Concatenate(parts), from);
    }
}
