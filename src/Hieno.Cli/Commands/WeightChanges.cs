using System.Globalization;
using System.Text.Json.Nodes;
using Hieno.Models;
using Hieno.Tuning;

namespace Hieno.Cli.Commands;

/// <summary>What <c>hieno inspect MODEL --against TUNED</c> prints: the fine-tuned angle and the change of each half-block and component.</summary>
internal static class WeightChanges
{
    public static void Write(PretrainedModel before, PretrainedModel after, Terminal terminal, bool json)
    {
        IReadOnlyList<WeightChange> units = WeightChange.ByUnit(before, after);
        IReadOnlyList<WeightChange> components = WeightChange.ByComponent(before, after);
        if (json)
        {
            terminal.WriteLine(new JsonObject { ["units"] = ToJson(units), ["components"] = ToJson(components) }.ToJsonString(JsonOutput.Options));
            return;
        }

        Table("half-block", units.OrderByDescending(change => change.Angle)).Write(terminal.Output);
        terminal.WriteLine(string.Empty);
        Table("component", components.OrderByDescending(change => change.MeanChange)).Write(terminal.Output);
    }

    private static TextColumns Table(string name, IEnumerable<WeightChange> changes)
    {
        var table = new TextColumns(name, ">weights", ">angle, rad", ">mean change", ">relative");
        foreach (WeightChange change in changes)
        {
            table.Add(change.Name, Figures.Count(change.Count), Number(change.Angle, "0.0000"), Number(change.MeanChange, "0.00000"), Number(change.RelativeChange, "0.0000"));
        }

        return table;
    }

    private static string Number(double value, string format) => double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "–";

    // JSON has no number for an angle to a vector of zeros.
    private static JsonArray ToJson(IEnumerable<WeightChange> changes) => new([.. changes.Select(change => new JsonObject
    {
        ["name"] = change.Name,
        ["weights"] = change.Count,
        ["angle"] = double.IsFinite(change.Angle) ? change.Angle : null,
        ["meanChange"] = change.MeanChange,
        ["relativeChange"] = double.IsFinite(change.RelativeChange) ? change.RelativeChange : null,
    })]);
}
