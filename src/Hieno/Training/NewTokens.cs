using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Tokenizers;
using Hieno.Models;
using Hieno.Recipes;
using Hieno.Tensors;

namespace Hieno.Training;

/// <summary>What the rows of new tokens start from.</summary>
public enum TokenStart
{
    /// <summary>The mean of the rows of the pieces that the tokenizer made of the token's text before.</summary>
    Pieces,

    /// <summary>The mean of all rows.</summary>
    Mean,
}

/// <summary>Tokens that are added to the base model's vocabulary: under <c>tokens</c> of a recipe.</summary>
public sealed record TokenOptions : IValidated
{
    /// <summary>Their texts, e.g. &lt;order&gt;. Where one stands in a text it is one token, whatever is around it.</summary>
    [MinLength(1)]
    public required IReadOnlyList<string> Add { get; init; }

    /// <summary>What their rows start from: pieces (the mean of the token's former pieces), mean (of all rows). Default pieces.</summary>
    public TokenStart Start { get; init; } = TokenStart.Pieces;

    /// <summary>True finds them only where no letter or digit touches either side: for words, which may be part of other words. Default false.</summary>
    public bool WholeWords { get; init; }

    /// <summary>True leaves them out of texts that a model writes, as it does with the end of a text. Default false.</summary>
    public bool Special { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Validate()
    {
        if (Add.Any(string.IsNullOrWhiteSpace))
        {
            yield return "'add' holds a token without a text. Remove it.";
        }

        if (Add.GroupBy(token => token, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            yield return $"'add' holds '{twice.Key}' twice. Remove one.";
        }
    }
}

/// <summary>Tokens that a run adds: to the tokenizer, to the model's tables, and to the tokenizer's files.</summary>
internal sealed class NewTokens
{
    private const string TokenizerFile = "tokenizer.json";
    private const string ConfigFile = "tokenizer_config.json";
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly TokenOptions _options;
    private readonly Tokenizer _tokenizer;
    private readonly int[][] _pieces;

    private NewTokens(TokenOptions options, Tokenizer tokenizer, int[][] pieces, int[] ids) => (_options, _tokenizer, _pieces, Ids) = (options, tokenizer, pieces, ids);

    /// <summary>Their ids, rising.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>Tokens that the model has to know.</summary>
    public int Count => Ids[^1] + 1;

    /// <summary>Adds the tokens to a tokenizer.</summary>
    /// <exception cref="TrainingException">One of them is in its vocabulary already.</exception>
    public static NewTokens AddTo(ModelTokenizer tokenizer, TokenOptions options)
    {
        Tokenizer own = tokenizer.Tokenizer;
        foreach (string token in options.Add)
        {
            if (own.TokenToId(token) is { } id)
            {
                throw new TrainingException(ErrorCodes.RecipeValueOutOfRange, "tokens.add", $"'{token}' is in the vocabulary already, as token {id}", "Remove it from the list");
            }
        }

        int[][] pieces = [.. options.Add.Select(token => own.Encode(token, addSpecialTokens: false).Ids)];
        own.AddTokens(options.Add.Select(token => new AddedToken(token) { SingleWord = options.WholeWords, Special = options.Special, Normalized = !options.Special }));
        return new NewTokens(options, own, pieces, [.. options.Add.Select(token => own.TokenToId(token)!.Value)]);
    }

    /// <summary>Gives the tokens their first rows in the token table, and in that of the output layer where it has one of its own.</summary>
    /// <param name="model">A model that knows <see cref="Count"/> tokens.</param>
    public void Initialize(TextModel model)
    {
        foreach (Parameter table in new[] { model.Backbone.TokenTable, model.LanguageHead?.Projection }.OfType<Parameter>().Distinct())
        {
            table.MakeWritable();
            for (int i = 0; i < Ids.Count; i++)
            {
                int[] from = _options.Start == TokenStart.Pieces && _pieces[i].Length > 0 ? _pieces[i] : [.. Enumerable.Range(0, Ids[0])];
                using Tape tape = Tape.Begin(record: false, backend: table.Base.Backend);
                table.Base.Backend.Copy(Ops.SegmentMean(Ops.Rows(table.Base, from), [0, from.Length]), table.Base.RowRange(Ids[i], 1));
            }
        }
    }

    /// <summary>Writes the tokens into the tokenizer's files of a folder, all else in which stays as it is.</summary>
    /// <param name="folder">A folder with copies of the base model's files.</param>
    public void Save(string folder)
    {
        string path = Path.Combine(folder, TokenizerFile);
        if (!File.Exists(path))
        {
            _tokenizer.Save(path); // it came as a list of words: the file that says all takes its place
        }
        else
        {
            JsonNode json = JsonNode.Parse(File.ReadAllText(path))!;
            if (json["added_tokens"] is not JsonArray added)
            {
                json["added_tokens"] = added = [];
            }

            foreach ((int id, JsonObject token) in Described())
            {
                var entry = new JsonObject { ["id"] = id };
                foreach ((string name, JsonNode? value) in token)
                {
                    entry[name] = value!.DeepClone();
                }

                added.Add((JsonNode)entry);
            }

            File.WriteAllText(path, json.ToJsonString(s_indented) + "\n");
        }

        string configPath = Path.Combine(folder, ConfigFile);
        if (File.Exists(configPath) && JsonNode.Parse(File.ReadAllText(configPath)) is JsonObject config && config["added_tokens_decoder"] is JsonObject known)
        {
            foreach ((int id, JsonObject token) in Described())
            {
                known[id.ToString(System.Globalization.CultureInfo.InvariantCulture)] = token;
            }

            File.WriteAllText(configPath, config.ToJsonString(s_indented) + "\n");
        }
    }

    // The keys in the order in which the usual Python library writes them.
    private IEnumerable<(int Id, JsonObject Token)> Described() => Ids.Select(id => (id, new JsonObject
    {
        ["content"] = _tokenizer.IdToToken(id),
        ["single_word"] = _options.WholeWords,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = !_options.Special,
        ["special"] = _options.Special,
    }));
}
