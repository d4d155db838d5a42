namespace Hieno.Scoring;

/// <summary>N-best lists with the log-probabilities that a language model gives their candidates, to choose anew by both.</summary>
/// <remarks>
/// The usual second pass of speech recognition: total = first-pass score + w · log p(text) + b · words. A language model adapted to the domain by a
/// soft prompt as the rescorer: Dingliwal et al. 2021, <see href="https://arxiv.org/abs/2112.08718"/>.
/// </remarks>
public sealed class Rescoring
{
    private readonly IReadOnlyList<NBestList> _lists;
    private readonly double[][] _logProbabilities;

    private Rescoring(IReadOnlyList<NBestList> lists, double[][] logProbabilities) => (_lists, _logProbabilities) = (lists, logProbabilities);

    /// <summary>The weights that <see cref="BestWeight"/> tries: 0, 0.1, … 2.</summary>
    public static IReadOnlyList<double> Weights { get; } = [.. Enumerable.Range(0, 21).Select(i => i / 10.0)];

    /// <summary>Errors of what the first pass finds best.</summary>
    public WordErrors FirstPass => Errors(weight: 0, wordBonus: 0);

    /// <summary>Errors that no choice among the candidates avoids.</summary>
    public WordErrors BestPossible => Sum(list => list.Candidates.Select(candidate => WordErrors.Count(list.Reference!, candidate.Text)).MinBy(errors => errors.Errors));

    /// <summary>Scores the candidates of all lists.</summary>
    /// <param name="lists">The lists.</param>
    /// <param name="scorer">The language model.</param>
    public static Rescoring Of(IReadOnlyList<NBestList> lists, TextScorer scorer)
    {
        ArgumentNullException.ThrowIfNull(lists);
        ArgumentNullException.ThrowIfNull(scorer);
        IReadOnlyList<TextScore> scores = scorer.Score([.. lists.SelectMany(list => list.Candidates).Select(candidate => candidate.Text)]);
        return Of(lists, [.. scores.Select(score => score.LogProbability)]);
    }

    /// <summary>As <see cref="Of(IReadOnlyList{NBestList}, TextScorer)"/>, with log-probabilities from elsewhere: those of all candidates, list by list.</summary>
    /// <exception cref="ArgumentException">There are not as many as candidates.</exception>
    public static Rescoring Of(IReadOnlyList<NBestList> lists, IReadOnlyList<double> logProbabilities)
    {
        ArgumentNullException.ThrowIfNull(lists);
        ArgumentNullException.ThrowIfNull(logProbabilities);
        int count = lists.Sum(list => list.Candidates.Count);
        if (count != logProbabilities.Count)
        {
            throw new ArgumentException($"There are {count} candidates and {logProbabilities.Count} log-probabilities.", nameof(logProbabilities));
        }

        double[][] byList = new double[lists.Count][];
        for (int i = 0, next = 0; i < lists.Count; next += byList[i++].Length)
        {
            byList[i] = [.. Enumerable.Range(next, lists[i].Candidates.Count).Select(place => logProbabilities[place])];
        }

        return new Rescoring(lists, byList);
    }

    /// <summary>The candidate of each list with the highest total; the earlier of equal ones.</summary>
    /// <param name="weight">w, how much the language model counts; 0 leaves the first pass as it is.</param>
    /// <param name="wordBonus">b, added for each word: above 0 it favours longer texts, which a language model finds less probable.</param>
    /// <returns>The place of the choice in each list.</returns>
    public IReadOnlyList<int> Choose(double weight, double wordBonus = 0) =>
        [.. _lists.Select((list, i) => Enumerable.Range(0, list.Candidates.Count).MaxBy(place => Total(i, place, weight, wordBonus)))];

    /// <summary>The log-probability that the language model gives a candidate.</summary>
    public double LogProbability(int list, int candidate) => _logProbabilities[list][candidate];

    /// <summary>Errors of the choice.</summary>
    /// <exception cref="InvalidOperationException">A list has no reference.</exception>
    public WordErrors Errors(double weight, double wordBonus = 0)
    {
        IReadOnlyList<int> chosen = Choose(weight, wordBonus);
        int next = 0;
        return Sum(list => WordErrors.Count(list.Reference!, list.Candidates[chosen[next++]].Text));
    }

    /// <summary>The weight of <see cref="Weights"/> with the fewest errors on these lists, the smallest of equal ones. Take other lists to report errors on.</summary>
    /// <exception cref="InvalidOperationException">A list has no reference.</exception>
    public double BestWeight(double wordBonus = 0) => Weights.MinBy(weight => Errors(weight, wordBonus).Errors);

    private double Total(int list, int place, double weight, double wordBonus)
    {
        Candidate candidate = _lists[list].Candidates[place];
        return candidate.Score + (weight * _logProbabilities[list][place]) + (wordBonus * WordErrors.CountWords(candidate.Text));
    }

    private WordErrors Sum(Func<NBestList, WordErrors> errors) => _lists.Any(list => list.Reference is null)
        ? throw new InvalidOperationException("Errors can be counted only where every list has a reference.")
        : _lists.Aggregate(default(WordErrors), (sum, list) => sum + errors(list));
}
