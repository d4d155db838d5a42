using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Scoring;

namespace Hieno.Tests.Scoring;

public sealed class NBestListTests
{
    [Fact]
    public void A_row_gives_its_candidates_in_order_and_what_was_said()
    {
        NBestList list = NBestList.Read(Row("""{"reference": "a cat", "candidates": [{"text": "a bat", "score": -1.5}, {"text": "a cat", "score": -2, "more": 1}]}"""));
        Assert.Equal([new Candidate("a bat", -1.5), new Candidate("a cat", -2)], list.Candidates);
        Assert.Equal("a cat", list.Reference);
        Assert.Null(NBestList.Read(Row("""{"candidates": [{"text": "a", "score": 0}]}""")).Reference);
    }

    [Theory]
    [InlineData("""{"candidates": "a"}""", "'candidates' is not a list of candidates")]
    [InlineData("""{"candidates": []}""", "'candidates' is not a list of candidates")]
    [InlineData("""{"candidates": [{"text": "a", "score": 0}, {"text": "b"}]}""", "candidate 2 has no 'text' with a word in it, or no number 'score'")]
    [InlineData("""{"candidates": [{"text": "a", "score": "0"}]}""", "candidate 1 has no 'text' with a word in it, or no number 'score'")]
    [InlineData("""{"candidates": [{"text": " ", "score": 0}]}""", "candidate 1 has no 'text' with a word in it, or no number 'score'")]
    [InlineData("""{"candidates": ["a"]}""", "candidate 1 has no 'text' with a word in it, or no number 'score'")]
    [InlineData("""{"text": "a"}""", "there is no 'candidates'")]
    public void A_row_that_is_no_list_is_refused_with_its_line(string json, string fact)
    {
        var fault = Assert.Throws<DatasetException>(() => NBestList.Read(Row(json)));
        Assert.StartsWith($"nbest.jsonl, line 7: {fact}", fault.Message, StringComparison.Ordinal);
    }

    private static DataRow Row(string json)
    {
        using var document = System.Text.Json.JsonDocument.Parse(json);
        return new DataRow(document.RootElement.Clone(), "nbest.jsonl", 7);
    }
}
