using System.Globalization;
using System.Text;

namespace Hieno.Recipes;

// Shows what a user wrote inside an error message of one line.
internal static class Quote
{
    /// <summary>The text with control characters escaped, cut where it grows too long for a message.</summary>
    public static string Clip(string text, int maxLength = 60)
    {
        var clipped = new StringBuilder();
        int length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (length++ == maxLength)
            {
                return clipped.Append('…').ToString();
            }

            clipped.Append(Rune.IsControl(rune) || rune.Value is 0x2028 or 0x2029
                ? string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}")
                : rune.ToString());
        }

        return clipped.ToString();
    }

    /// <summary>How a node reads in "…, got X".</summary>
    public static string Describe(RecipeNode node) => node switch
    {
        MapNode => "a group of settings",
        ListNode list when list.Position.IsCommandLine => $"{list.Items.Count} values",
        ListNode => "a list",
        ScalarNode { Form: ScalarForm.Null } => "nothing",
        ScalarNode { Form: ScalarForm.Flag } => "no value",
        ScalarNode { Form: ScalarForm.Quoted } scalar => $"the text \"{Clip(scalar.Text)}\"",
        ScalarNode scalar => $"'{Clip(scalar.Text)}'",
        _ => throw new NotSupportedException($"Recipe node {node.GetType().Name} is not known."),
    };
}
