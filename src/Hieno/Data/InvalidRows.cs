using Hieno.Formats;
using Hieno.Formats.Text;

namespace Hieno.Data;

/// <summary>The faults of several rows as one error.</summary>
internal static class InvalidRows
{
    private const int Shown = 10;

    /// <summary>All faults, one a line, at most ten of them.</summary>
    public static DatasetException Error(IReadOnlyList<DatasetException> faults)
    {
        if (faults.Count == 1)
        {
            return faults[0];
        }

        string list = string.Join("\n  ", faults.Take(Shown).Select(fault => fault.Message));
        string more = faults.Count > Shown ? $"\n  and {faults.Count - Shown} more" : string.Empty;
        return new DatasetException(faults[0].Code, faults[0].File, 0, 0, $"{faults.Count} rows cannot be learned from:\n  {list}{more}\n", "Correct them, or set 'data.skipInvalid: true' to leave them out");
    }
}
