using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Tensors;

namespace Hieno.Data;

/// <summary>The rows of a run, read from its files: to train on, to watch, and to report on.</summary>
public sealed class DataSplit
{
    private DataSplit()
    {
    }

    /// <summary>Rows to train on.</summary>
    public IReadOnlyList<DataRow> Train { get; private init; } = [];

    /// <summary>Rows to train on and those that a limit leaves out: a label that only these have is known all the same.</summary>
    public IReadOnlyList<DataRow> Known { get; private init; } = [];

    /// <summary>Rows to watch while training; empty when none were asked for.</summary>
    public IReadOnlyList<DataRow> Validation { get; private init; } = [];

    /// <summary>Rows for the report at the end; empty when none were asked for.</summary>
    public IReadOnlyList<DataRow> Test { get; private init; } = [];

    /// <summary>SHA-256 of the files' content, in the order they are named: which data a run has seen.</summary>
    public string Hash { get; private init; } = string.Empty;

    /// <summary>Reads the files that <paramref name="options"/> name.</summary>
    /// <param name="options">The files, and the share held out.</param>
    /// <param name="seed">The seed that decides which rows are held out, and which of them a limit takes.</param>
    /// <param name="pictures">True where rows are pictures. Default false.</param>
    /// <exception cref="HienoException">A file is missing, malformed or empty.</exception>
    public static DataSplit Read(DataOptions options, ulong seed, bool pictures = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        var files = new List<string>();
        List<DataRow> train = [.. options.Train.SelectMany(file => ReadFile(file, options, pictures, files))];
        var rng = new Rng(seed, RngStream.Split);
        List<DataRow> HeldOut(string key, string? choice, ulong draw) => choice is null ? []
            : ShareOf(key, choice, train.Count) is { } count ? TakeOut(key, count, options, ref train, rng, draw)
            : ReadFile(choice, options, pictures, files);
        List<DataRow> validation = HeldOut("data.validation", options.Validation, draw: 0);
        List<DataRow> test = HeldOut("data.test", options.Test, draw: 2);
        List<DataRow> known = train;
        if (options.Limit is { } limit && limit < train.Count)
        {
            int[] kept = [.. rng.Permutation(train.Count, 1).Take(limit).Order()];
            train = [.. kept.Select(i => train[i])];
        }

        // Folders name their pictures' labels, which no file holds.
        IEnumerable<string> labels = !pictures ? [] : known.Concat(validation).Concat(test).Where(row => row.Line == 0).Select(row => row.Picture!.Label ?? string.Empty);
        return new DataSplit { Train = train, Known = known, Validation = validation, Test = test, Hash = HashOf(files, labels) };
    }

    /// <summary>Reads one file of rows.</summary>
    /// <param name="path">The file, or a folder of plain texts.</param>
    /// <param name="unit">What a row of plain text is.</param>
    /// <exception cref="DatasetException">It is missing, malformed or empty.</exception>
    public static List<DataRow> ReadFile(string path, TextUnit unit = TextUnit.Document)
    {
        bool isPlain = Directory.Exists(path) || Path.GetExtension(path).Equals(".txt", StringComparison.OrdinalIgnoreCase);
        List<DataRow> rows = [.. isPlain ? PlainText.Read(path, unit) : DataFile.Read(path)];
        return rows.Count > 0
            ? rows
            : throw new DatasetException(ErrorCodes.DatasetEmpty, path, 0, 0, "there are no rows", "Give a file with at least one row");
    }

    /// <summary>Reads one file of rows, texts or pictures.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">Columns, and what a row of plain text is.</param>
    /// <param name="pictures">True where rows are pictures.</param>
    /// <param name="files">Receives the files that the rows come from.</param>
    /// <exception cref="HienoException">It is missing, malformed or empty.</exception>
    public static List<DataRow> ReadFile(string path, DataOptions options, bool pictures, ICollection<string>? files = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        (List<DataRow> rows, IReadOnlyList<string> read) = pictures ? PictureRows.Read(path, options) : (ReadFile(path, options.TextUnit), [path]);
        foreach (string file in files is null ? [] : read)
        {
            files!.Add(file);
        }

        return rows;
    }

    private static List<DataRow> TakeOut(string key, int count, DataOptions options, ref List<DataRow> train, Rng rng, ulong draw)
    {
        if (count >= train.Count)
        {
            throw new DatasetException(ErrorCodes.DatasetEmpty, options.Train[0], 0, 0, $"'{key}' holds out {count} of {train.Count} rows, which leaves none to train on", "Hold out fewer, or give a file of their own; 'data.textUnit: paragraph' makes more rows of a plain text");
        }

        var chosen = rng.Permutation(train.Count, draw).Take(count).ToHashSet();
        List<DataRow> heldOut = [.. train.Where((_, i) => chosen.Contains(i))];
        train = [.. train.Where((_, i) => !chosen.Contains(i))];
        return heldOut;
    }

    private static int? ShareOf(string key, string choice, int rows)
    {
        if (choice.EndsWith('%') && double.TryParse(choice[..^1], CultureInfo.InvariantCulture, out double percent))
        {
            return percent is > 0 and < 100
                ? Math.Max(1, (int)Math.Round(rows * percent / 100))
                : throw new DatasetException(ErrorCodes.DatasetEmpty, key, 0, 0, $"a share of {choice} is not between 0 % and 100 %", "Give a share such as 10%");
        }

        return !int.TryParse(choice, CultureInfo.InvariantCulture, out int count) ? null
            : count > 0 ? count
            : throw new DatasetException(ErrorCodes.DatasetEmpty, key, 0, 0, $"{count} rows are none to hold out", "Give a number of rows above 0, a share such as 10%, or a file");
    }

    private static string HashOf(IEnumerable<string> files, IEnumerable<string> labels)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in files)
        {
            foreach (string part in (string[])(Directory.Exists(file) ? [.. Directory.EnumerateFiles(file).Order(StringComparer.Ordinal)] : [file]))
            {
                using FileStream stream = File.OpenRead(part);
                hash.AppendData(SHA256.HashData(stream));
            }
        }

        foreach (string label in labels)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(label + "\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
