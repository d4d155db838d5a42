using Hieno.Formats;

namespace Hieno.Recipes;

// What the YAML and the JSON reader share: the limits, the refusal of repeated keys and the faults they raise.
internal sealed class NodeBuilder(string file, List<RecipeFault> faults)
{
    private long _nodes;

    public string File => file;

    /// <summary>Counts values as they are read, so that a hostile file is refused before it fills the memory.</summary>
    public void Count(RecipeNode node, bool alias = false)
    {
        _nodes += alias ? node.Size : 1;
        if (_nodes > RecipeFile.MaxNodes)
        {
            throw Refuse(ErrorCodes.RecipeTooLarge, node.Position,
                $"the recipe has more than {RecipeFile.MaxNodes} values, those of anchors counted at each use. Shorten it.");
        }
    }

    public void CheckDepth(int depth, RecipePosition position)
    {
        if (depth > RecipeFile.MaxDepth)
        {
            throw Refuse(ErrorCodes.RecipeTooLarge, position, $"values are nested more than {RecipeFile.MaxDepth} deep. Flatten them.");
        }
    }

    /// <summary>Makes a map; a repeated key is a fault and its first value stays.</summary>
    public MapNode Map(List<RecipeEntry> entries, RecipePosition position)
    {
        var seen = new Dictionary<string, RecipePosition>(StringComparer.Ordinal);
        var unique = new List<RecipeEntry>(entries.Count);
        foreach (var entry in entries)
        {
            if (seen.TryAdd(entry.Key, entry.Position))
            {
                unique.Add(entry);
            }
            else
            {
                faults.Add(new RecipeFault(ErrorCodes.RecipeDuplicateKey, entry.Position, entry.Key,
                    $"'{Quote.Clip(entry.Key)}' is given twice, first in line {seen[entry.Key].Line}. Remove one."));
            }
        }

        return new MapNode(unique, position);
    }

    public RecipeException Syntax(RecipePosition position, string message, Exception? inner = null) =>
        Refuse(ErrorCodes.RecipeSyntax, position, message, inner);

    // A reader cannot go on after such a fault; those found before it are reported with it.
    public RecipeException Refuse(string code, RecipePosition position, string message, Exception? inner = null) =>
        new([.. faults, new RecipeFault(code, position, "", message)], inner);
}
