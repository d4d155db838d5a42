using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Objectives;

namespace Hieno.Tests.Objectives;

public sealed class MaskedLanguageModelingTests : IDisposable
{
    private const int Mask = 4;

    private readonly ObjectiveSetup _setup = new();

    public void Dispose() => _setup.Dispose();

    [Fact]
    public void Fifteen_percent_are_guessed_of_which_eighty_are_masked_ten_random_and_ten_kept()
    {
        (IObjective objective, IReadOnlyList<Example> examples) = Encode(maxLength: 102, string.Join(' ', Enumerable.Repeat("the cat sat on the mat", 2000)));
        (int total, int chosen, int masked, int kept) = (0, 0, 0, 0);
        for (ulong draw = 0; draw < 8; draw++)
        {
            Batch batch = objective.Collate(examples, ObjectiveSetup.Rng(), draw);
            int[] original = [.. examples.SelectMany(example => example.Ids)];
            bool[] special = [.. examples.SelectMany(example => example.Special!)];
            for (int i = 0; i < original.Length; i++)
            {
                total += special[i] ? 0 : 1;
                if (batch.Labels[i] == Example.Ignore)
                {
                    Assert.Equal(original[i], batch.Tokens.Ids[i]);
                    continue;
                }

                Assert.False(special[i]);
                Assert.Equal(original[i], batch.Labels[i]);
                Assert.InRange(batch.Tokens.Ids[i], 0, 119);
                chosen++;
                masked += batch.Tokens.Ids[i] == Mask ? 1 : 0;
                kept += batch.Tokens.Ids[i] == original[i] ? 1 : 0;
            }
        }

        // Five standard deviations of a fair draw.
        AssertShare(0.15, chosen, total);
        AssertShare(0.8 + (0.1 / 120), masked, chosen); // a random token may be the mask
        AssertShare(0.1 + (0.1 / 120), kept, chosen);
    }

    [Fact]
    public void Masks_change_from_draw_to_draw_and_hang_on_seed_and_row_but_not_on_the_batch()
    {
        (IObjective objective, IReadOnlyList<Example> examples) = Encode(maxLength: 40, [.. Enumerable.Repeat("the cat sat on the mat and the dog sat on the log", 6)]);
        Assert.Equal(6, examples.Count);
        Batch first = objective.Collate(examples, ObjectiveSetup.Rng(), 5);
        Assert.Equal(first.Tokens.Ids, objective.Collate(examples, ObjectiveSetup.Rng(), 5).Tokens.Ids);
        Assert.NotEqual(first.Labels, objective.Collate(examples, ObjectiveSetup.Rng(), 6).Labels);
        Assert.NotEqual(first.Labels, objective.Collate(examples, ObjectiveSetup.Rng(seed: 2), 5).Labels);

        Batch[] single = [.. examples.Select(example => objective.Collate([example], ObjectiveSetup.Rng(), 5))];
        Assert.Equal(first.Labels, single.SelectMany(batch => batch.Labels));
        Assert.Equal(first.Tokens.Ids, single.SelectMany(batch => batch.Tokens.Ids));
        Assert.NotEqual(single[0].Labels, single[1].Labels); // though the rows are the same
    }

    [Fact]
    public void Of_each_row_at_least_one_token_is_guessed()
    {
        (IObjective objective, IReadOnlyList<Example> examples) = Encode(maxLength: 40, "cat", "dog");
        for (ulong draw = 0; draw < 50; draw++)
        {
            Assert.All(examples, example => Assert.True(objective.TargetWeight(objective.Collate([example], ObjectiveSetup.Rng(), draw)) >= 1));
        }
    }

    [Fact]
    public void Long_texts_become_rows_between_their_own_special_tokens_which_are_never_chosen()
    {
        (_, IReadOnlyList<Example> examples) = Encode(maxLength: 10, "the cat sat on [SEP] the mat and the dog sat on the log");
        Assert.True(examples.Count > 1);
        Assert.All(examples, example =>
        {
            Assert.InRange(example.Ids.Length, 3, 10);
            Assert.Equal((2, 3), (example.Ids[0], example.Ids[^1]));
            Assert.Equal(example.Ids.Select(id => id <= 4), example.Special!); // also one that stands in the text
        });
        Assert.Equal(Enumerable.Range(0, examples.Count), examples.Select(example => example.Number));
    }

    [Fact]
    public void Texts_and_lengths_that_leave_nothing_to_guess_are_refused()
    {
        List<DataRow> rows = _setup.Rows("""{"text": " "}""");
        IObjective objective = _setup.Prepare(new MaskedLanguageModelingOptions(), _setup.WordPiece(), rows);
        Assert.Contains("line 1: the text has no token that could be guessed", ObjectiveSetup.Fault(objective, rows), StringComparison.Ordinal);
        var tooShort = Assert.Throws<DatasetException>(() => _setup.Prepare(new MaskedLanguageModelingOptions(), _setup.WordPiece(), rows, maxLength: 2));
        Assert.Contains("2 tokens leave no room beside the 2 special tokens", tooShort.Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointException>(() => _setup.Prepare(new MaskedLanguageModelingOptions(), _setup.Bpe(), rows)); // no mask token
    }

    private (IObjective Objective, IReadOnlyList<Example> Examples) Encode(int maxLength, params string[] texts)
    {
        List<DataRow> rows = _setup.Rows([.. texts.Select(text => System.Text.Json.JsonSerializer.Serialize(new { text }))]);
        IObjective objective = _setup.Prepare(new MaskedLanguageModelingOptions(), _setup.WordPiece(), rows, maxLength: maxLength);
        return (objective, ObjectiveSetup.Encode(objective, rows));
    }

    private static void AssertShare(double expected, int count, int total) =>
        Assert.InRange((double)count / total, expected - (5 * Math.Sqrt(expected * (1 - expected) / total)), expected + (5 * Math.Sqrt(expected * (1 - expected) / total)));
}
