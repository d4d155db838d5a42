using System.Globalization;
using System.Security.Cryptography;
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
    /// <exception cref="DatasetException">A file is missing, malformed or empty.</exception>
    public static DataSplit Read(DataOptions options, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        List<string> files = [.. options.Train];
        List<DataRow> train = [.. options.Train.SelectMany(file => ReadFile(file, options.TextUnit))];
        var rng = new Rng(seed, RngStream.Split);
        List<DataRow> validation = HeldOut("data.validation", options.Validation, options, files, ref train, rng, draw: 0);
        List<DataRow> test = HeldOut("data.test", options.Test, options, files, ref train, rng, draw: 2);
        List<DataRow> known = train;
        if (options.Limit is { } limit && limit < train.Count)
        {
            int[] kept = [.. rng.Permutation(train.Count, 1).Take(limit).Order()];
            train = [.. kept.Select(i => train[i])];
        }

        return new DataSplit { Train = train, Known = known, Validation = validation, Test = test, Hash = HashOf(files) };
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

    // A file of its own, or rows taken out of the training rows.
    private static List<DataRow> HeldOut(string key, string? choice, DataOptions options, List<string> files, ref List<DataRow> train, Rng rng, ulong draw)
    {
        if (choice is null)
        {
            return [];
        }

        if (ShareOf(key, choice, train.Count) is not { } count)
        {
            files.Add(choice);
            return ReadFile(choice, options.TextUnit);
        }

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

    private static string HashOf(IEnumerable<string> files)
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

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
