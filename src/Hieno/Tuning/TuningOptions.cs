using Hieno.Formats;
using Hieno.Formats.Tokenizers;
using Hieno.Models;

namespace Hieno.Tuning;

/// <summary>What changes in the model: the settings under <c>tuning:</c> of a recipe, chosen by <c>kind</c>.</summary>
public abstract record TuningOptions
{
    /// <summary>The learning rate where a recipe gives none: 2e-5 unless the method needs another.</summary>
    internal protected virtual double DefaultLearningRate => 2e-5;

    /// <summary>Positions that the method takes from each text: those of virtual tokens. Default 0.</summary>
    internal protected virtual int AddedPositions => 0;

    /// <summary>The method that these settings describe.</summary>
    public abstract ITuningMethod Create();
}

/// <summary>A way to choose what learns.</summary>
public interface ITuningMethod
{
    /// <summary>Marks weights of <paramref name="model"/> as trainable, and attaches new ones.</summary>
    /// <param name="model">The model; a weight that the checkpoint did not hold is trained whatever the method.</param>
    /// <param name="seed">The seed of new weights.</param>
    /// <exception cref="TuningException">Nothing would learn, or a name matches nothing.</exception>
    TunedModel Apply(PretrainedModel model, ulong seed);

    /// <summary>As above, for a method that starts from words; others pass the tokenizer over.</summary>
    /// <param name="model">The model.</param>
    /// <param name="seed">The seed of new weights.</param>
    /// <param name="tokenizer">The model's tokenizer, or null where there is none.</param>
    /// <exception cref="TuningException">Nothing would learn, or a name matches nothing.</exception>
    TunedModel Apply(PretrainedModel model, ulong seed, Tokenizer? tokenizer) => Apply(model, seed);
}

/// <summary>A method cannot be applied to the model at hand.</summary>
public sealed class TuningException(string code, string who, string fact, string advice) : HienoException(code, who, fact, advice);
