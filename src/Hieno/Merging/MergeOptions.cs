namespace Hieno.Merging;

/// <summary>What becomes of the changes τᵢ that several tunings made to one weight.</summary>
public enum MergeMethod
{
    /// <summary>Their weighted sum Σ wᵢτᵢ: task arithmetic. Exact.</summary>
    Linear,

    /// <summary>The weighted sum of each one's largest elements.</summary>
    MagnitudePrune,

    /// <summary>Each one's largest elements; those that disagree with the elected sign are left out; the mean of the rest.</summary>
    Ties,

    /// <summary>The weighted sum after elements were dropped at random and the rest scaled up in return.</summary>
    DareLinear,

    /// <summary>Random dropping as in <see cref="DareLinear"/>, then election and mean as in <see cref="Ties"/>.</summary>
    DareTies,
}

/// <summary>How the sign of an element is elected.</summary>
public enum SignElection
{
    /// <summary>That of the sum of the elements; positive where the sum is 0.</summary>
    Total,

    /// <summary>That of most elements; positive where there are as many of either.</summary>
    Frequency,
}

/// <summary>How changes of weights are combined.</summary>
/// <remarks>
/// Task arithmetic: Ilharco et al. 2022, <see href="https://arxiv.org/abs/2212.04089"/>, section 2. TIES: Yadav et al. 2023,
/// <see href="https://arxiv.org/abs/2306.01708"/>, section 4. DARE: Yu et al. 2023, <see href="https://arxiv.org/abs/2311.03099"/>, section 3.
/// As in PEFT, the election looks at the changes before they are weighted, and the mean divides by how many agree.
/// </remarks>
public sealed record MergeOptions
{
    /// <summary>The rule. Default linear.</summary>
    public MergeMethod Method { get; init; } = MergeMethod.Linear;

    /// <summary>The share of elements that each change keeps, over 0 and up to 1; the linear method keeps all. Default 0.2, as in TIES.</summary>
    public double Density { get; init; } = 0.2;

    /// <summary>How TIES and DARE-TIES elect a sign. Default total.</summary>
    public SignElection Election { get; init; } = SignElection.Total;

    /// <summary>λ: what the combined change is multiplied by before it is added. Default 1.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>The seed of what DARE drops. Default 42.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Throws when a value is out of range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Which one.</exception>
    public void Validate()
    {
        if (!(Density > 0 && Density <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(Density), Density, "The density must be over 0 and up to 1.");
        }

        if (!double.IsFinite(Scale))
        {
            throw new ArgumentOutOfRangeException(nameof(Scale), Scale, "The scale must be a finite number.");
        }
    }
}

/// <summary>One of the models or adapters that are combined.</summary>
/// <param name="Folder">Its folder, or the folder of the run that made it.</param>
/// <param name="Weight">wᵢ: how much of it goes in. A negative one takes its change away. Default 1.</param>
public sealed record MergeInput(string Folder, double Weight = 1);
