using System.CommandLine;
using Hieno.Augmentation;
using Hieno.Cli.Data;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Images;
using Hieno.Models.Vision;
using Hieno.Recipes;

namespace Hieno.Cli.Commands;

/// <summary><c>hieno lint</c> for sets of pictures.</summary>
internal sealed class PictureLint
{
    private const int LargestSide = 224; // of the preview, where no model says

    private readonly Option<string?> _against;
    private readonly Option<string?> _augment;
    private readonly Option<string?> _column;
    private readonly Option<ulong> _seed;

    public PictureLint(Verb verb)
    {
        _against = verb.Text("--against", "DATA", "Of pictures: another set, such as the test set, of which none should be in this one.");
        _augment = verb.Text("--augment", "LIST", "Of pictures: what the preview does to them, as data.augment has it, e.g. random-resized-crop,randaugment or \"[{ kind: rotation, degrees: 30 }]\".");
        _column = verb.Text("--image-column", "COLUMN", "Of a table of pictures: the column of their paths. Default: image, file_name, path, file or filename.");
        _seed = verb.With(new Option<ulong>("--seed") { Description = "Of pictures: the seed of the preview's augmentation. Default 0.", HelpName = "N" });
    }

    /// <summary>Whether the rows are pictures: the task says so, or they are recognised.</summary>
    public static bool IsFor(LintRequest request) =>
        request.Task is { } task ? task.StartsWith("image-", StringComparison.Ordinal) : PictureCheck.Recognises(request.Data);

    public int Run(LintRequest request, DataFlags flags, ParseResult parsed, Terminal terminal)
    {
        DataOptions data = flags.Of(parsed, request.Data);
        var options = new ImageSetOptions { LabelColumn = data.LabelColumn, ImageColumn = parsed.GetValue(_column) };
        PictureCheck check = PictureCheck.Run(request.Data, parsed.GetValue(_against), options);
        if (request.Json)
        {
            terminal.WriteLine(PictureReport.ToJson(check).ToJsonString(JsonOutput.Options));
        }
        else
        {
            terminal.WriteLine(request.Data);
            PictureReport.Write(check, terminal.Output);
        }

        if (request.Preview is { } file)
        {
            Preview(check, file, request.Base, AugmentationsOf(parsed.GetValue(_augment)), parsed.GetValue(_seed));
            if (!request.Json)
            {
                terminal.WriteLine($"written: {file}");
            }
        }

        return check.Faults.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Preview(PictureCheck check, string file, string? folder, IReadOnlyList<AugmentationOptions> augment, ulong seed)
    {
        if (!file.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            throw new UsageException($"--preview is '{file}', and for pictures it is a file that ends in .png.");
        }

        if (check.Pictures.Count == 0)
        {
            throw new UsageException("there is no picture to show.");
        }

        PicturePreview.Write(check, augment, folder is null ? Usual(check) : PreparationOf(folder), seed, file);
    }

    private static ImagePreparation PreparationOf(string folder)
    {
        ModelConfig config = ModelConfig.Read(folder);
        return ImagePreparation.Of(folder, VisionModel.FamilyOf(config), config);
    }

    private static ImagePreparation Usual(PictureCheck check)
    {
        int[] sides = [.. check.Pictures.Select(picture => Math.Min(picture.Width, picture.Height)).Order()];
        int side = Math.Min(LargestSide, sides[sides.Length / 2]);
        ImageInput input = check.Pictures.All(picture => picture.IsGrey) ? new(side, side, [0.5f], [0.5f]) : ImageInput.ImageNet(side);
        return new ImagePreparation(input) { ShorterSide = side };
    }

    private static IReadOnlyList<AugmentationOptions> AugmentationsOf(string? list)
    {
        if (list is null)
        {
            return [];
        }

        string text = list.TrimStart().StartsWith('[') ? list : $"[{list}]";
        return RecipeFile.Parse<AugmentSetting>($"augment: {text}", "--augment", RecipeFormat.Yaml, BuiltIns.Kinds()).Value.Augment;
    }

    /// <summary>The one setting of a recipe that the flag gives.</summary>
    private sealed record AugmentSetting
    {
        /// <summary>The augmentations, in order.</summary>
        public required IReadOnlyList<AugmentationOptions> Augment { get; init; }
    }
}
