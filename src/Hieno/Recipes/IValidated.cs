namespace Hieno.Recipes;

/// <summary>A group of settings with rules across several of them, which no range of a single one can say.</summary>
public interface IValidated
{
    /// <summary>Checks the settings against each other. Called once each setting by itself is right.</summary>
    /// <returns>
    /// One message for each broken rule, in whole sentences. A message that begins with a key of this group in single quotes
    /// (<c>'warmup' is 500, more than the 300 steps of 'steps'. Lower it.</c>) is placed at that key; any other at the group.
    /// </returns>
    IEnumerable<string> Validate();
}
