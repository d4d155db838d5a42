using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Objectives;

namespace Hieno.Cli.Data;

/// <summary>A row that can be learned from.</summary>
/// <param name="Row">The row.</param>
/// <param name="Examples">What is made of it: one example, or the pieces of a long text.</param>
/// <param name="Tokens">Its length before anything was cut.</param>
internal sealed record CheckedRow(DataRow Row, IReadOnlyList<Example> Examples, int Tokens);

/// <summary>A row that an earlier one has said already.</summary>
/// <param name="Row">The later row.</param>
/// <param name="First">The earlier row.</param>
/// <param name="IsContradiction">True when the two have different labels.</param>
internal sealed record RepeatedRow(DataRow Row, DataRow First, bool IsContradiction);

/// <summary>All that is wrong with a data file for a task, and what is in it.</summary>
internal sealed class DataCheck
{
    // Longer than any row, short enough that positions can be added to it.
    private const int Unlimited = 1 << 28;
    private readonly List<DatasetException> _faults = [];
    private readonly List<CheckedRow> _rows = [];
    private readonly List<RepeatedRow> _repeated = [];

    private DataCheck(int maxLength) => MaxLength = maxLength;

    /// <summary>The longest row that is learned whole, in tokens.</summary>
    public int MaxLength { get; }

    /// <summary>Every row that cannot be learned from, in the order of the file.</summary>
    public IReadOnlyList<DatasetException> Faults => _faults;

    public IReadOnlyList<CheckedRow> Rows => _rows;

    public IReadOnlyList<RepeatedRow> Repeated => _repeated;

    /// <summary>The labels of a classifier, in the order of its outputs; empty where there are none.</summary>
    public IReadOnlyList<string> Labels { get; private set; } = [];

    /// <summary>Reads a file as a run would, but goes on after each fault.</summary>
    /// <param name="task">What would be learned.</param>
    /// <param name="options">File and columns.</param>
    /// <param name="tokenizer">The base model's tokenizer.</param>
    /// <param name="config">The base model's configuration.</param>
    /// <param name="maxLength">The longest row in tokens.</param>
    public static DataCheck Run(ObjectiveOptions task, DataOptions options, ModelTokenizer tokenizer, ModelConfig config, int maxLength)
    {
        var check = new DataCheck(maxLength);
        List<DataRow> rows = [.. DataFile.Read(options.Train[0], check._faults.Add)];
        ObjectiveContext Context(int length) => new(tokenizer, config, options, length, _ => { });

        // The second one cuts nothing: it tells how long rows are.
        (IObjective cutting, IObjective whole) = (task.Create(), task.Create());
        if (!check.Prepare(cutting, Context(maxLength), rows) || !check.Prepare(whole, Context(Unlimited), rows))
        {
            return check;
        }

        check.Labels = LabelsOf(cutting);
        foreach (DataRow row in rows)
        {
            int faults = check._faults.Count;
            IReadOnlyList<Example> examples = cutting.Encode([row], check._faults);
            if (check._faults.Count == faults)
            {
                check._rows.Add(new CheckedRow(row, examples, whole.Encode([row], new List<DatasetException>()).Sum(example => example.Ids.Length)));
            }
        }

        check._faults.Sort((a, b) => (a.Line, a.Column).CompareTo((b.Line, b.Column)));
        check.FindRepeated();
        return check;
    }

    // A row that keeps the task from making itself ready is a fault like any other; without rows, or where all are alike, nothing can be learned.
    private bool Prepare(IObjective objective, ObjectiveContext context, List<DataRow> rows)
    {
        while (rows.Count > 0)
        {
            try
            {
                objective.Prepare(context, rows);
                return true;
            }
            catch (DatasetException fault)
            {
                _faults.Add(fault);
                if (rows.RemoveAll(row => row.Line == fault.Line) == 0)
                {
                    return false;
                }
            }
        }

        if (_faults.Count == 0)
        {
            _faults.Add(new DatasetException(ErrorCodes.DatasetEmpty, context.Data.Train[0], 0, 0, "there are no rows", "Give a file with at least one row"));
        }

        return false;
    }

    private static IReadOnlyList<string> LabelsOf(IObjective objective)
    {
        var config = new JsonObject();
        objective.Describe(config);
        return objective is not Regression && config["id2label"] is JsonObject names ? [.. names.Select(pair => pair.Value!.GetValue<string>())] : [];
    }

    private void FindRepeated()
    {
        var seen = new Dictionary<string, CheckedRow>(StringComparer.Ordinal);
        foreach (CheckedRow row in _rows)
        {
            int[] ids = [.. row.Examples.SelectMany(example => example.Ids)];
            string key = Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(ids.AsSpan())));
            if (!seen.TryAdd(key, row))
            {
                CheckedRow first = seen[key];
                _repeated.Add(new RepeatedRow(row.Row, first.Row, !HasSameTarget(first, row)));
            }
        }
    }

    private static bool HasSameTarget(CheckedRow a, CheckedRow b) => a.Examples.Zip(b.Examples).All(pair =>
        pair.First.Class == pair.Second.Class && (pair.First.Targets ?? []).AsSpan().SequenceEqual(pair.Second.Targets));
}
