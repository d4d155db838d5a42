using System.Diagnostics;
using System.Text.Json;
using Hieno.Tests.Shared;

namespace Hieno.Cli.Tests.Commands;

public sealed class ScoreCommandTests : IDisposable
{
    private static readonly string s_decoder = Path.Combine(SharedFolder.RepositoryRoot, "models", "hieno-decoder");

    private readonly string _folder = Directory.CreateTempSubdirectory("hieno-score-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Each_text_has_its_log_probability_and_all_together_a_perplexity()
    {
        string texts = Write("texts.txt", "the king is dead", "dead is king the");
        CliRun run = await CliRun.Of("score", s_decoder, texts);
        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Matches(@"^ +log p +tokens +perplexity +text$", run.Lines[0]);
        Assert.Matches(@"^-\d+\.\d+ +\d+ +[\d.]+ +the king is dead$", run.Lines[1].Trim());
        Assert.Matches(@"^together: log p -\d+\.\d+, \d+ tokens, perplexity [\d.]+$", run.Lines[^1]);

        CliRun json = await CliRun.Of("score", s_decoder, texts, "--json");
        using JsonDocument document = JsonDocument.Parse(json.Output);
        double[] values = [.. document.RootElement.GetProperty("texts").EnumerateArray().Select(item => item.GetProperty("logProbability").GetDouble())];
        Assert.True(values[0] > values[1]);
    }

    [Fact]
    public async Task Of_each_list_the_likelier_text_wins_and_the_errors_are_counted_before_and_after()
    {
        string lists = Write("nbest.jsonl", Row("the king is dead", ("the king his deed", -1), ("the king is dead", -1.5)), Row("i am your friend", ("i am your friend", -1), ("i am you friend", -1.2)));
        string chosen = Path.Combine(_folder, "chosen.jsonl");
        CliRun run = await CliRun.Of("score", s_decoder, lists, "--lm-weight", "0.5", "--out", chosen);
        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Equal(
            [
                $"{s_decoder}, 2 lists of {lists}; weight of the language model 0.5",
                "               word error rate  errors  words",
                "first pass                25 %       2      8",
                "rescored                   0 %       0      8",
                "best possible              0 %       0      8",
            ],
            run.Lines);
        using JsonDocument first = JsonDocument.Parse((await File.ReadAllLinesAsync(chosen))[0]);
        Assert.Equal(("the king is dead", 2), (first.RootElement.GetProperty("text").GetString(), first.RootElement.GetProperty("place").GetInt32()));

        CliRun off = await CliRun.Of("score", s_decoder, lists, "--lm-weight", "0", "--json");
        using JsonDocument document = JsonDocument.Parse(off.Output);
        Assert.Equal(0.25, document.RootElement.GetProperty("wordErrors").GetProperty("rescored").GetProperty("rate").GetDouble());
    }

    [Fact]
    public async Task The_weight_is_looked_for_on_other_lists()
    {
        string dev = Write("dev.jsonl", Row("the king is dead", ("the king his deed", -1), ("the king is dead", -1.5)));
        string test = Write("test.jsonl", Row("he is a king", ("he his a king", -1), ("he is a king", -1.5)));
        CliRun run = await CliRun.Of("score", s_decoder, test, "--tune-on", dev);
        Assert.Equal((ExitCode.Done, string.Empty), (run.Code, run.Error));
        Assert.Matches($@"weight of the language model 0\.[1-9], chosen on .*dev\.jsonl \(word error rate there 0 %\)$", run.Lines[0]);
    }

    [Fact]
    public async Task The_sample_makes_the_same_lists_each_time_and_the_right_text_is_often_among_them()
    {
        string train = Write("train.jsonl", [.. Enumerable.Range(0, 8).Select(i => JsonSerializer.Serialize(new { text = $"Where is the king's garden, number {i}?" }))]);
        string[] files = [Path.Combine(_folder, "once"), Path.Combine(_folder, "again")];
        foreach (string folder in files)
        {
            await RunSample(train, train, train, folder);
        }

        string[] lists = await File.ReadAllLinesAsync(Path.Combine(files[0], "nbest-test.jsonl"));
        Assert.Equal(lists, await File.ReadAllLinesAsync(Path.Combine(files[1], "nbest-test.jsonl")));
        Assert.NotEqual(lists, await File.ReadAllLinesAsync(Path.Combine(files[0], "nbest-validation.jsonl"))); // other noise
        Assert.Contains("\"reference\":\"where is the king's garden number 0\"", lists[0], StringComparison.Ordinal);

        CliRun run = await CliRun.Of("score", s_decoder, Path.Combine(files[0], "nbest-test.jsonl"), "--lm-weight", "0.3", "--json");
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement errors = document.RootElement.GetProperty("wordErrors");
        Assert.True(errors.GetProperty("first pass").GetProperty("rate").GetDouble() is > 0.02 and < 0.6, run.Output);
        Assert.True(errors.GetProperty("best possible").GetProperty("rate").GetDouble() < errors.GetProperty("first pass").GetProperty("rate").GetDouble(), run.Output);
    }

    [Fact]
    public async Task Without_references_the_chosen_texts_are_printed()
    {
        string lists = Write("nbest.jsonl", """{"candidates": [{"text": "the king his deed", "score": -1}, {"text": "the king is dead", "score": -1.2}]}""");
        CliRun run = await CliRun.Of("score", s_decoder, lists);
        Assert.Equal(["the king is dead"], run.Lines);
    }

    [Fact]
    public async Task A_list_without_a_reference_cannot_choose_the_weight()
    {
        string lists = Write("nbest.jsonl", """{"candidates": [{"text": "a", "score": -1}]}""");
        CliRun run = await CliRun.Of("score", s_decoder, lists, "--tune-on", lists);
        Assert.Equal(ExitCode.Failed, run.Code);
        Assert.Contains("nbest.jsonl, line 1: there is no 'reference', so no error can be counted. Add what was said, or give the weight by --lm-weight.", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--lm-weight gives the weight, --tune-on looks for it", "nbest.jsonl", "--lm-weight", "1", "--tune-on", "x")]
    [InlineData("belong to n-best lists", "texts.txt", "--lm-weight", "1")]
    public async Task Options_that_have_no_effect_are_refused(string message, string file, params string[] options)
    {
        Write("nbest.jsonl", Row("a", ("a", 0)));
        Write("texts.txt", "a b");
        CliRun run = await CliRun.Of(["score", s_decoder, Path.Combine(_folder, file), .. options]);
        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    // samples/05-rescoring, as its README starts it.
    private static async Task RunSample(params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "..", "..", "Rescoring", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/', '\\')), "Rescoring.dll");
        var start = new ProcessStartInfo("dotnet", [Path.GetFullPath(program), .. arguments]) { WorkingDirectory = SharedFolder.RepositoryRoot, UseShellExecute = false, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, error);
    }

    private string Write(string name, params string[] lines)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    private static string Row(string reference, params (string Text, double Score)[] candidates) =>
        JsonSerializer.Serialize(new { reference, candidates = candidates.Select(item => new { text = item.Text, score = item.Score }) });
}
