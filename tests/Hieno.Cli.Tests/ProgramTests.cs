using System.Globalization;

namespace Hieno.Cli.Tests;

public sealed class ProgramTests
{
    private static readonly string[] s_verbs = ["train", "eval", "score", "generate", "chat", "inspect", "lint", "merge", "schema", "doctor", "tokenizer"];

    public static TheoryData<string> Verbs => [.. s_verbs];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Each_verb_has_a_help_page_with_a_description_of_every_option_and_an_example(string verb)
    {
        CliRun run = await CliRun.Of(verb, "--help");

        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Contains($"  hieno {verb}", run.Output, StringComparison.Ordinal);
        Assert.Matches("Examples?:\n  hieno " + verb, run.Output);
        Assert.DoesNotMatch(@"\n  (--|<)\S+( <[^>]+>)?( \(REQUIRED\))? *\n", run.Output); // an option with nothing beside it
    }

    [Fact]
    public async Task Help_lists_every_verb()
    {
        CliRun run = await CliRun.Of();

        Assert.Equal(ExitCode.Done, run.Code);
        Assert.All(s_verbs, verb => Assert.Contains($"\n  {verb} ", run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_mistyped_verb_is_a_usage_error_with_a_suggestion()
    {
        CliRun run = await CliRun.Of("tran", "recipe.yaml");

        Assert.Equal((ExitCode.Usage, string.Empty), (run.Code, run.Output));
        Assert.StartsWith("error: 'tran' is not a verb. Did you mean 'train'? The verbs are train, ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_argument_is_a_usage_error_that_names_the_help_page()
    {
        CliRun run = await CliRun.Of("train");

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.EndsWith("See 'hieno train --help'.\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unexpected_error_asks_for_a_report_and_shows_its_stack_only_when_told_to()
    {
        Exception error = Thrown();
        using var brief = new StringWriter();
        using var full = new StringWriter();

        Assert.Equal((ExitCode.Failed, ExitCode.Failed), (ErrorReport.Write(error, brief, debug: false), ErrorReport.Write(error, full, debug: true)));
        Assert.Contains("InvalidOperationException: inner workings", brief.ToString(), StringComparison.Ordinal);
        Assert.Contains("--debug", brief.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", brief.ToString(), StringComparison.Ordinal);
        Assert.Contains("   at ", full.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Numbers_are_written_alike_in_every_country()
    {
        using var project = new TinyProject();
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("fi-FI");
            CliRun run = await CliRun.Of("train", project.Recipe());

            Assert.Contains("learning rate 1.0e-2", run.Output, StringComparison.Ordinal);
            Assert.Matches(@"\d,\d{3} weights learn", run.Output);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static InvalidOperationException Thrown()
    {
        try
        {
            throw new InvalidOperationException("inner workings");
        }
        catch (InvalidOperationException error)
        {
            return error;
        }
    }
}
