using System.ComponentModel.DataAnnotations;
using Hieno.Formats;
using Hieno.Formats.Peft;
using Hieno.Formats.Tokenizers;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>Where the vectors of a prompt start.</summary>
public enum PromptStart
{
    /// <summary>At the vectors of tokens drawn from the vocabulary.</summary>
    Vocabulary,

    /// <summary>At the vectors of a text's tokens, repeated or cut to the number of virtual tokens.</summary>
    Text,

    /// <summary>At N(0, 1), as PEFT's default does. Tables of most models have far smaller numbers, so this learns slowly.</summary>
    Random,
}

/// <summary>Settings of <see cref="PromptTuning"/>.</summary>
public sealed record PromptTuningOptions : AdapterOptions
{
    /// <summary>Virtual tokens before each text; each takes a position from it. Default 20.</summary>
    [Range(1, 4096)]
    public int VirtualTokens { get; init; } = 20;

    /// <summary>Where they start: vocabulary, text, random. Default vocabulary.</summary>
    public PromptStart Start { get; init; } = PromptStart.Vocabulary;

    /// <summary>The text from which they start, with 'start: text'; best a description of the task.</summary>
    public string? Text { get; init; }

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 1e-2;

    /// <inheritdoc/>
    protected internal override int AddedPositions => VirtualTokens;

    /// <inheritdoc/>
    protected internal override PeftLayout Layout => new PromptTuningLayout();

    /// <inheritdoc/>
    public override ITuningMethod Create() => new PromptTuning(this);

    /// <summary>A table that starts at vectors of tokens drawn from the vocabulary.</summary>
    internal Parameter StartOf(TextModel model, ulong seed) => new PromptTuning(this).Drawn(model, seed).Parameters[0];
}

/// <summary>Prompt tuning: n vectors P are put before the vectors of each text, [P; E(x)], and only they learn.</summary>
/// <remarks>Lester et al. 2021, <see href="https://arxiv.org/abs/2104.08691"/>, section 2.</remarks>
public sealed class PromptTuning(PromptTuningOptions options) : ITuningMethod
{
    private const string Who = "prompt-tuning";

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed) => Apply(model, seed, null);

    /// <inheritdoc/>
    public TunedModel Apply(PretrainedModel model, ulong seed, Tokenizer? tokenizer)
    {
        TextModel text = model.RequireText(Who);
        PromptEncoder table = options.Start switch
        {
            PromptStart.Random => PromptTable.Random(options.VirtualTokens, text.Backbone.TokenWidth, seed, text.Backbone.TokenTable.Value.Backend),
            PromptStart.Text => TableOf(text, TokensOf(tokenizer)),
            _ => Drawn(text, seed),
        };
        var adapter = Adapter.Begin(text, options, Who);
        adapter.Attach(new EncodedPrompt(text.Backbone, adapter.Name, options.VirtualTokens, table));
        return adapter.Complete();
    }

    /// <summary>The table that starts at vectors of the vocabulary.</summary>
    internal PromptTable Drawn(TextModel model, ulong seed) => TableOf(model, Drawn(model.Backbone.VocabularySize, seed));

    private static PromptTable TableOf(TextModel model, int[] ids)
    {
        Parameter table = model.Backbone.TokenTable;
        Tensor vectors = Tensor.CreateLongLived([ids.Length, model.Backbone.TokenWidth], DType.F32, table.Base.Backend);
        table.Base.Backend.GatherRows(table.Base, ids, vectors);
        return new PromptTable(vectors);
    }

    private int[] TokensOf(Tokenizer? tokenizer)
    {
        if (string.IsNullOrEmpty(options.Text))
        {
            throw new TuningException(ErrorCodes.RecipeSettingMissing, Who, "it is to start from a text, but there is none", "Set 'tuning.text', or 'tuning.start' to vocabulary");
        }

        if (tokenizer is null)
        {
            throw new TuningException(ErrorCodes.RecipeSettingMissing, Who, "it is to start from a text, but was given no tokenizer", "Apply it with the model's tokenizer");
        }

        int[] ids = tokenizer.Encode(options.Text).Ids;
        return ids.Length > 0
            ? [.. Enumerable.Range(0, options.VirtualTokens).Select(i => ids[i % ids.Length])]
            : throw new TuningException(ErrorCodes.RecipeSettingMissing, Who, $"the text '{options.Text}' has no token", "Give another 'tuning.text'");
    }

    private int[] Drawn(int vocabulary, ulong seed)
    {
        float[] numbers = new float[options.VirtualTokens];
        new Rng(seed, RngStream.Initialization).FillUniform(numbers, 0f, vocabulary, step: 0);
        return Array.ConvertAll(numbers, number => Math.Min((int)number, vocabulary - 1));
    }
}

/// <summary>Prompt tuning in PEFT's files.</summary>
internal sealed class PromptTuningLayout : PromptLayout
{
    /// <inheritdoc/>
    public override string PeftType => "PROMPT_TUNING";

    /// <inheritdoc/>
    public override AdapterOptions ReadOptions(PeftAdapterConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelConfig settings = config.Settings!;
        return new PromptTuningOptions
        {
            VirtualTokens = settings.GetInt("num_virtual_tokens"),
            Start = settings.GetString("prompt_tuning_init", "RANDOM") switch { "TEXT" => PromptStart.Text, "SAMPLE_VOCAB" => PromptStart.Vocabulary, _ => PromptStart.Random },
            Text = settings.GetString("prompt_tuning_init_text", null),
        };
    }

    /// <inheritdoc/>
    protected override void Describe(Adapter adapter, Dictionary<string, object?> values)
    {
        var options = (PromptTuningOptions)adapter.Options;
        values["prompt_tuning_init"] = options.Start switch { PromptStart.Text => "TEXT", PromptStart.Vocabulary => "SAMPLE_VOCAB", _ => "RANDOM" };
        values["prompt_tuning_init_text"] = options.Start == PromptStart.Text ? options.Text : null;

        // PEFT refuses a configuration that starts from a text without it.
        values["tokenizer_name_or_path"] = options.Start == PromptStart.Text ? Path.GetDirectoryName(adapter.Model.Config.Path) : null;
        values["tokenizer_kwargs"] = null;
    }
}
