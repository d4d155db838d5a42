using Hieno.Scoring;

namespace Hieno.Tests.Scoring;

public sealed class RescoringTests
{
    // First pass: a wrong, then the right text; the language model prefers the right one by 4 in the first list, by 1 in the second.
    private static readonly NBestList[] s_lists =
    [
        new([new Candidate("a bat sat", -1), new Candidate("a cat sat", -2), new Candidate("a hat", -9)], "a cat sat"),
        new([new Candidate("on a mat", -1), new Candidate("on the mat", -3)], "on the mat"),
    ];

    private static readonly double[] s_logProbabilities = [-10, -6, -5, -8, -7];

    [Fact]
    public void Weight_zero_leaves_the_first_pass()
    {
        Rescoring rescoring = Rescoring.Of(s_lists, s_logProbabilities);
        Assert.Equal([0, 0], rescoring.Choose(0));
        Assert.Equal(new WordErrors(2, 6), rescoring.FirstPass);
        Assert.Equal(rescoring.FirstPass, rescoring.Errors(0));
    }

    [Fact]
    public void The_total_is_score_plus_weight_times_log_probability()
    {
        Rescoring rescoring = Rescoring.Of(s_lists, s_logProbabilities);
        Assert.Equal([0, 0], rescoring.Choose(0.25));   // −1 − 2.5 against −2 − 1.5: equal, so the earlier stays
        Assert.Equal([1, 0], rescoring.Choose(0.26));
        Assert.Equal([1, 0], rescoring.Choose(2));      // −1 − 16 against −3 − 14: equal
        Assert.Equal([1, 1], rescoring.Choose(2.1));
        Assert.Equal(new WordErrors(0, 6), rescoring.Errors(2.1));
        Assert.Equal(-6, rescoring.LogProbability(0, 1));
    }

    [Fact]
    public void A_word_bonus_favours_longer_texts()
    {
        NBestList[] lists = [new([new Candidate("a hat", 0), new Candidate("a hat too", -1)], null)];
        Rescoring rescoring = Rescoring.Of(lists, [0, 0]);
        Assert.Equal([0], rescoring.Choose(1, wordBonus: 0.9));
        Assert.Equal([1], rescoring.Choose(1, wordBonus: 1.1));
    }

    [Fact]
    public void The_best_weight_is_the_smallest_with_the_fewest_errors()
    {
        Assert.Equal(0.3, Rescoring.Of(s_lists[..1], s_logProbabilities[..3]).BestWeight());
        Assert.Equal(0, Rescoring.Of([new NBestList([new Candidate("a", 0), new Candidate("b", -1)], "a")], [-1, -2]).BestWeight());
    }

    [Fact]
    public void The_best_possible_takes_the_nearest_candidate_of_each_list()
    {
        NBestList[] lists = [new([new Candidate("x y z", 0), new Candidate("a y z", -5)], "a b c")];
        Assert.Equal(new WordErrors(2, 3), Rescoring.Of(lists, [0, 0]).BestPossible);
    }

    [Fact]
    public void Without_references_there_are_no_errors_to_count()
    {
        Rescoring rescoring = Rescoring.Of([new NBestList([new Candidate("a", 0)], null)], [0]);
        Assert.Throws<InvalidOperationException>(() => rescoring.FirstPass);
    }

    [Fact]
    public void Log_probabilities_must_be_as_many_as_candidates() =>
        Assert.Contains("There are 5 candidates and 4 log-probabilities.", Assert.Throws<ArgumentException>(() => Rescoring.Of(s_lists, s_logProbabilities[..4])).Message, StringComparison.Ordinal);
}
