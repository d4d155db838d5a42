using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Advice;

/// <summary>The settings in which one recipe differs from another, as a piece of a recipe to paste.</summary>
/// <param name="kinds">The known kinds.</param>
internal sealed class RecipeDifference(KindCatalog kinds)
{
    /// <summary>The piece, as YAML; empty where nothing differs.</summary>
    /// <param name="before">The recipe that the piece is pasted into.</param>
    /// <param name="after">What it is to become.</param>
    public string ToYaml(Recipe before, Recipe after)
    {
        MapNode difference = Between(RecipeWriter.ToTree(before, kinds), RecipeWriter.ToTree(after, kinds));
        return difference.Entries.Count == 0 ? string.Empty : RecipeWriter.ToYaml(difference);
    }

    private MapNode Between(MapNode before, MapNode after) => new(
        [.. after.Entries
            .Where(entry => before.Find(entry.Key) is not { } old || RecipeWriter.ToJson(old.Value) != RecipeWriter.ToJson(entry.Value))
            .Select(entry => entry with { Value = Changed(before.Find(entry.Key)?.Value as MapNode, entry.Value) })],
        after.Position);

    // Of a new group what is set; of another method what differs from its defaults, after its name.
    private RecipeNode Changed(MapNode? before, RecipeNode after)
    {
        if (after is not MapNode group)
        {
            return after;
        }

        if (group.Find(MapNode.KindKey) is not { Value: ScalarNode kind } named)
        {
            return before is not null ? Between(before, group) : new MapNode([.. group.Entries.Where(entry => entry.Value is not ScalarNode { Form: ScalarForm.Null })], group.Position);
        }

        bool isSameKind = before?.Find(MapNode.KindKey)?.Value is ScalarNode old && old.Text == kind.Text;
        MapNode? reference = isSameKind ? before : DefaultsOf(kind.Text);
        MapNode settings = reference is null ? group : Between(reference, group);
        return settings.Entries.Count == 0 ? kind : new MapNode([named, .. settings.Entries.Where(entry => entry.Key != MapNode.KindKey)], group.Position);
    }

    private MapNode? DefaultsOf(string kind) =>
        kinds.Defaults<TuningOptions>().FirstOrDefault(options => kinds.KindOf(typeof(TuningOptions), options.GetType()) == kind) is { } defaults
            ? RecipeWriter.ToTree(defaults, kinds)
            : null;
}
