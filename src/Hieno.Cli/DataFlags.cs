using System.CommandLine;
using Hieno.Data;

namespace Hieno.Cli;

/// <summary>The options of verbs that read a data file without a recipe.</summary>
internal sealed class DataFlags
{
    private readonly Option<string[]> _text;
    private readonly Option<string?> _label;
    private readonly Option<string?> _template;
    private readonly Option<int?> _maxLength;

    public DataFlags(Verb verb)
    {
        _text = verb.Texts("--text-columns", "COLUMN", "The columns that hold the text. Default: text, or sentence.");
        _label = verb.Text("--label-column", "COLUMN", "The column that holds the label or number. Default: label, category, labels, target or score.");
        _template = verb.Text("--chat-template", "FILE", "A file with a chat template, or chatml, or plain. Default: the model's own, else plain.");
        _maxLength = verb.With(new Option<int?>("--max-length") { Description = "The longest row in tokens; longer ones are cut. Default: what the model can read, at most 1024.", HelpName = "N" });
        _maxLength.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out int length) && length < 2)
            {
                result.AddError("--max-length must be at least 2.");
            }
        });
    }

    /// <summary>Refuses rows that are not there before a model is opened, which says how they are to be read.</summary>
    /// <exception cref="Formats.HienoException">There is no such file or folder.</exception>
    public static void ThrowIfAbsent(string path)
    {
        if (!Path.Exists(path))
        {
            DataSplit.ReadFile(path);
        }
    }

    /// <summary>The settings for one file.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="file">The file.</param>
    /// <param name="known">Settings of the run that the model came from, over which the flags win; or null.</param>
    public DataOptions Of(ParseResult parsed, string file, DataOptions? known = null)
    {
        DataOptions options = (known ?? new DataOptions { Train = [file] }) with { Train = [file], Validation = null, Test = null, Limit = null };
        string[] text = parsed.GetValue(_text)!;
        return options with
        {
            TextColumns = text.Length > 0 ? text : options.TextColumns,
            LabelColumn = parsed.GetValue(_label) ?? options.LabelColumn,
            ChatTemplate = parsed.GetValue(_template) ?? options.ChatTemplate,
            MaxLength = parsed.GetValue(_maxLength) ?? options.MaxLength,
        };
    }
}
