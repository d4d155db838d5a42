using System.Text;
using Hieno.Formats;

namespace Hieno.Recipes;

/// <summary>The two languages a recipe can be written in.</summary>
public enum RecipeFormat
{
    /// <summary>YAML 1.2, core schema.</summary>
    Yaml,

    /// <summary>JSON without comments.</summary>
    Json,
}

/// <summary>Reads recipe files into trees and records.</summary>
public static class RecipeFile
{
    /// <summary>The largest recipe, in bytes: 1 MiB. A recipe holds settings; rows of data belong into data files.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>How deep groups and lists may be nested: 64.</summary>
    public const int MaxDepth = 64;

    /// <summary>The largest number of values, those of anchored groups counted wherever they are used: 100,000.</summary>
    public const int MaxNodes = 100_000;

    /// <summary>Reads a recipe, applies the settings of the command line and binds the result; all faults are reported at once.</summary>
    /// <typeparam name="T">The record of the whole recipe.</typeparam>
    /// <param name="path">A .yaml, .yml or .json file.</param>
    /// <param name="catalog">The known kinds.</param>
    /// <param name="overrides">Settings of the command line, which win over the file's; null for none.</param>
    /// <returns>The settings, and what was left out of the file because a flag chose another kind.</returns>
    /// <exception cref="RecipeException">The file, a flag or a setting is wrong.</exception>
    public static RecipeBinding<T> Load<T>(string path, KindCatalog catalog, RecipeOverrides? overrides = null)
        where T : class
    {
        var format = FormatOf(path);
        return Bind<T>(ReadBytes(path), path, format, _ => catalog, overrides);
    }

    /// <summary>As <see cref="Load{T}"/>, where the recipe itself says what kinds there are.</summary>
    internal static RecipeBinding<T> LoadWithOwnKinds<T>(string path, Func<MapNode, KindCatalog> catalog, RecipeOverrides? overrides)
        where T : class
    {
        var format = FormatOf(path);
        return Bind<T>(ReadBytes(path), path, format, catalog, overrides);
    }

    /// <summary>As <see cref="Load{T}"/>, for a recipe that is not in a file.</summary>
    /// <typeparam name="T">The record of the whole recipe.</typeparam>
    /// <param name="text">The recipe.</param>
    /// <param name="name">The name that error messages give the text.</param>
    /// <param name="format">The language of the text.</param>
    /// <param name="catalog">The known kinds.</param>
    /// <param name="overrides">Settings of the command line, which win over the text's; null for none.</param>
    /// <returns>The settings, and what was left out of the text because a flag chose another kind.</returns>
    /// <exception cref="RecipeException">The text, a flag or a setting is wrong.</exception>
    public static RecipeBinding<T> Parse<T>(
        string text, string name, RecipeFormat format, KindCatalog catalog, RecipeOverrides? overrides = null)
        where T : class =>
        Bind<T>(Encoding.UTF8.GetBytes(text), name, format, _ => catalog, overrides);

    /// <summary>Reads a recipe file as a tree of values.</summary>
    /// <param name="path">A .yaml, .yml or .json file.</param>
    /// <returns>The tree.</returns>
    /// <exception cref="RecipeException">The file cannot be read, is malformed, repeats a key, or is too large.</exception>
    public static MapNode ReadTree(string path)
    {
        var format = FormatOf(path);
        return Tree(ReadBytes(path), path, format);
    }

    /// <summary>Reads a recipe text as a tree of values.</summary>
    /// <param name="text">The recipe.</param>
    /// <param name="name">The name that error messages give the text.</param>
    /// <param name="format">The language of the text.</param>
    /// <returns>The tree.</returns>
    /// <exception cref="RecipeException">The text is malformed, repeats a key, or is too large.</exception>
    public static MapNode ParseTree(string text, string name, RecipeFormat format) => Tree(Encoding.UTF8.GetBytes(text), name, format);

    /// <summary>The language of a file, by its extension.</summary>
    /// <param name="path">A file name.</param>
    /// <returns>The language.</returns>
    /// <exception cref="RecipeException">The extension is none of .yaml, .yml and .json.</exception>
    public static RecipeFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".YAML" or ".YML" => RecipeFormat.Yaml,
        ".JSON" => RecipeFormat.Json,
        _ => throw Unreadable(path, $"the extension is '{Path.GetExtension(path)}', expected .yaml, .yml or .json. Rename the file."),
    };

    private static RecipeBinding<T> Bind<T>(byte[] utf8, string name, RecipeFormat format, Func<MapNode, KindCatalog> catalog, RecipeOverrides? overrides)
        where T : class
    {
        var faults = new List<RecipeFault>();
        var tree = Read(utf8, name, format, faults);
        if (overrides is not null)
        {
            tree = overrides.ApplyTo(tree, faults);
        }

        return RecipeBinder.Bind<T>(tree, catalog(tree), faults);
    }

    private static MapNode Tree(byte[] utf8, string name, RecipeFormat format)
    {
        var faults = new List<RecipeFault>();
        var tree = Read(utf8, name, format, faults);
        return faults.Count == 0 ? tree : throw new RecipeException(faults);
    }

    // Faults that leave a usable tree (a repeated key) go into the list, so that they are reported with those of the binder; others throw.
    private static MapNode Read(byte[] utf8, string name, RecipeFormat format, List<RecipeFault> faults)
    {
        if (utf8.Length > MaxBytes)
        {
            throw TooLarge(RecipePosition.WholeFile(name),
                $"the recipe has more than {MaxBytes} bytes, the most that is read. Keep data out of recipes: name a file instead.");
        }

        ReadOnlySpan<byte> text = utf8;
        if (text.StartsWith(Encoding.UTF8.Preamble))
        {
            text = text[Encoding.UTF8.Preamble.Length..];
        }

        var nodes = new NodeBuilder(name, faults);
        return format == RecipeFormat.Yaml ? new YamlRecipe(nodes).Read(Decode(text, name)) : new JsonRecipe(nodes).Read(text);
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            byte[] bytes = new byte[MaxBytes + 1]; // one more than allowed shows that a file is too large without reading it whole
            return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            string fact = e is FileNotFoundException or DirectoryNotFoundException
                ? "there is no such file"
                : $"the file cannot be read: {e.Message.TrimEnd('.')}";
            throw Unreadable(path, fact + ". Check the path of the recipe.", e);
        }
    }

    private static string Decode(ReadOnlySpan<byte> utf8, string name)
    {
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(utf8);
        }
        catch (DecoderFallbackException e)
        {
            throw Unreadable(name, $"the bytes at offset {e.Index} are not UTF-8. Save the recipe as UTF-8.", e);
        }
    }

    private static RecipeException Unreadable(string path, string message, Exception? inner = null) =>
        new([new RecipeFault(ErrorCodes.RecipeFileUnreadable, RecipePosition.WholeFile(path), "", message)], inner);

    private static RecipeException TooLarge(RecipePosition position, string message) =>
        new([new RecipeFault(ErrorCodes.RecipeTooLarge, position, "", message)]);
}
