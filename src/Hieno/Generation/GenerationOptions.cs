using System.ComponentModel.DataAnnotations;
using Hieno.Recipes;

namespace Hieno.Generation;

/// <summary>How text is generated. A setting not given is the model's own (generation_config.json), else the default named here.</summary>
public sealed record GenerationOptions : IValidated
{
    /// <summary>The most tokens to generate for a prompt. Default 256.</summary>
    [Range(1, 10_000_000)]
    public int? MaxNewTokens { get; init; }

    /// <summary>Tokens to generate before the text may end by itself. Default 0.</summary>
    [Range(0, 10_000_000)]
    public int? MinNewTokens { get; init; }

    /// <summary>Divides the logits: below 1 likely tokens become likelier; below 1e-5 the likeliest is always taken. Default 1.</summary>
    [Range(0.0, 100.0)]
    public float? Temperature { get; init; }

    /// <summary>Draws from the k likeliest tokens, and any as likely as the k-th. 0 turns it off. Default 0.</summary>
    [Range(0, int.MaxValue)]
    public int? TopK { get; init; }

    /// <summary>Draws from the fewest tokens that together have at least this probability. 1 turns it off. Default 1.</summary>
    [Range(0.0, 1.0)]
    public float? TopP { get; init; }

    /// <summary>Draws from tokens at least this many times as probable as the likeliest. 0 turns it off. Default 0.</summary>
    [Range(0.0, 1.0)]
    public float? MinP { get; init; }

    /// <summary>Divides positive logits of tokens of prompt and text, and multiplies negative ones. 1 turns it off. Default 1.</summary>
    [Range(0.01, 100.0)]
    public float? RepetitionPenalty { get; init; }

    /// <summary>Taken from a token's logit for each time it was generated. Default 0.</summary>
    [Range(-2.0, 2.0)]
    public float FrequencyPenalty { get; init; }

    /// <summary>Taken from the logit of each token that was generated before. Default 0.</summary>
    [Range(-2.0, 2.0)]
    public float PresencePenalty { get; init; }

    /// <summary>No run of this many tokens occurs twice in prompt and text together. 0 turns it off. Default 0.</summary>
    [Range(0, 10_000)]
    public int? NoRepeatNgramSize { get; init; }

    /// <summary>Decides what is drawn: the same seed gives the same text. Default 0.</summary>
    public ulong Seed { get; init; }

    /// <summary>The text ends before the first of these; they may span tokens. Default: none.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>True to go on where the model would end. Default false.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>True when the likeliest token is always taken, so that nothing is drawn.</summary>
    internal bool IsGreedy => (Temperature ?? 1f) < 1e-5f;

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (MinNewTokens is { } least && MaxNewTokens is { } most && least > most)
        {
            yield return $"'minNewTokens' is {least}, more than the {most} of 'maxNewTokens'. Lower it.";
        }

        if (Stop.Any(string.IsNullOrEmpty))
        {
            yield return "'stop' holds an empty text, which would end every text before it begins. Remove it.";
        }
    }

    /// <summary>Checks ranges and rules.</summary>
    /// <exception cref="ArgumentException">A setting is outside its range, or two contradict each other.</exception>
    internal void ThrowIfInvalid(string parameterName)
    {
        var faults = new List<ValidationResult>();
        Validator.TryValidateObject(this, new ValidationContext(this), faults, validateAllProperties: true);
        string[] messages = [.. faults.Select(fault => fault.ErrorMessage!), .. Validate()];
        if (messages.Length > 0)
        {
            throw new ArgumentException($"GenerationOptions: {string.Join(' ', messages)}", parameterName);
        }
    }
}
