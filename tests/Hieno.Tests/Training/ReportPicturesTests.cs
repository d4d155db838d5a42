using Hieno.Data;
using Hieno.Formats.Images;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tests.Vision;
using Hieno.Training;
using Hieno.Tuning;

namespace Hieno.Tests.Training;

public sealed class ReportPicturesTests
{
    [Fact]
    public async Task A_run_on_pictures_reports_what_was_taken_for_what_where_it_looked_and_what_moved()
    {
        using var run = new PictureRun(perClass: 4);
        string folder = await Train(run.Recipe());
        string report = File.ReadAllText(Path.Combine(folder, Report.TextFileName));
        foreach (string name in (string[])["pictures/confusion.png", "pictures/reliability.svg", "pictures/saliency.png", "pictures/filters.png"])
        {
            Assert.True(File.Exists(Path.Combine(folder, name)), name);
            Assert.Contains($"]({name})", report, StringComparison.Ordinal);
        }

        Assert.Equal(8 + (8 * (160 + 8 + 14)) + 14, ImageFile.Read(Path.Combine(folder, "pictures/saliency.png")).Height);
        Assert.Contains("| before the blocks | ", report, StringComparison.Ordinal);
        double[] shares = [.. report.Split('\n').Where(line => line.StartsWith("| b", StringComparison.Ordinal) || line.StartsWith("| after the", StringComparison.Ordinal))
            .Select(line => line.Split('|')[6].Trim()).Where(cell => cell.EndsWith(" %", StringComparison.Ordinal)).Select(cell => double.Parse(cell[..^2], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(5, shares.Length); // three blocks, what is before and what is after them
        Assert.InRange(shares.Sum(), 99.7, 100.3);
    }

    [Fact]
    public async Task Frozen_layers_have_no_part_of_the_gradient_and_the_pictures_are_the_same_each_time()
    {
        using var run = new PictureRun(perClass: 4);
        string folder = await Train(run.Recipe("one", new HeadOptions()));
        string report = File.ReadAllText(Path.Combine(folder, Report.TextFileName));
        Assert.Contains("| block 0 | ", report, StringComparison.Ordinal);
        Assert.Contains("| frozen |", report, StringComparison.Ordinal);
        Assert.Contains("| 100.0 % |", report, StringComparison.Ordinal);
        string again = await Train(run.Recipe("two", new HeadOptions()));
        foreach (string name in (string[])["pictures/confusion.png", "pictures/reliability.svg", "pictures/saliency.png", "pictures/filters.png"])
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder, name)), File.ReadAllBytes(Path.Combine(again, name)));
        }
    }

    [Fact]
    public async Task An_objective_without_classes_has_no_matrix()
    {
        using var run = new PictureRun(perClass: 4);
        File.WriteAllText(Path.Combine(run.Root, "rows.csv"), "image,label\npictures/red/0.png,0.5\npictures/red/1.png,0.25\npictures/blue/0.png,1\npictures/blue/1.png,0.75\n");
        var data = new DataOptions { Train = [Path.Combine(run.Root, "rows.csv")], Test = Path.Combine(run.Root, "rows.csv") };
        string folder = await Train(run.Recipe(data: data, task: new ImageRegressionOptions()));
        Assert.False(File.Exists(Path.Combine(folder, "pictures/confusion.png")));
        Assert.True(File.Exists(Path.Combine(folder, "pictures/filters.png")));
    }

    private static async Task<string> Train(Recipe recipe)
    {
        await foreach (TrainingEvent happening in FineTuner.Create(recipe).RunAsync())
        {
            _ = happening;
        }

        return recipe.Output;
    }
}
