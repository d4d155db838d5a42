using Hieno.Scoring;

namespace Hieno.Tests.Scoring;

public sealed class WordErrorsTests
{
    [Theory]
    [InlineData("the cat sat", "the cat sat", 0)]
    [InlineData("the cat sat", "the bat sat", 1)]           // one other word
    [InlineData("the cat sat", "the sat", 1)]               // one left out
    [InlineData("the cat sat", "the big cat sat", 1)]       // one put in
    [InlineData("the cat sat down", "cat sat up down", 2)]
    [InlineData("a b c d", "d c b a", 4)]
    [InlineData("the cat  sat", " the\tcat sat ", 0)]       // white space parts words and is none
    [InlineData("The cat", "the cat", 1)]                   // compared as written
    public void The_fewest_changes_are_counted(string reference, string hypothesis, int errors)
    {
        WordErrors counted = WordErrors.Count(reference, hypothesis);
        Assert.Equal(errors, counted.Errors);
        Assert.Equal(reference.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Length, counted.Words);
    }

    [Fact]
    public void Rates_are_of_all_words_together()
    {
        WordErrors sum = WordErrors.Count("a b c", "a b x") + WordErrors.Count("d", "d e f");
        Assert.Equal(new WordErrors(3, 4), sum);
        Assert.Equal(0.75, sum.Rate);
    }
}
