namespace Hieno.Recipes;

/// <summary>A type with a text form of its own in recipes and flags, such as <see cref="Share"/>.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
public interface IScalarForm<TSelf>
    where TSelf : IScalarForm<TSelf>
{
    /// <summary>What a value looks like, as it ends the sentence "must be …", e.g. <c>a share (10%) or a count (500)</c>.</summary>
    static abstract string Expected { get; }

    /// <summary>Regular expression (ECMA-262, anchored) of the accepted texts, for the JSON schema.</summary>
    static abstract string Pattern { get; }

    /// <summary>True when an unquoted JSON or YAML number is accepted too.</summary>
    static abstract bool AcceptsNumbers { get; }

    /// <summary>Reads a value.</summary>
    /// <param name="text">The text as written, without quotes.</param>
    /// <param name="value">The value, when it is one.</param>
    /// <returns>False when the text is not a value.</returns>
    static abstract bool TryParse(string text, out TSelf value);

    /// <summary>Writes the value so that <see cref="TryParse"/> gives it back exactly, whatever the culture.</summary>
    /// <returns>The text form.</returns>
    string ToRecipeText();
}
