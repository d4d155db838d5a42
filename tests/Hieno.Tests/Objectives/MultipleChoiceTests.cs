using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Tests.Tuning;
using Hieno.Tuning;

namespace Hieno.Tests.Objectives;

public sealed class MultipleChoiceTests : IDisposable
{
    private readonly ObjectiveSetup _setup = new();

    public void Dispose() => _setup.Dispose();

    [Fact]
    public void A_row_is_read_once_with_each_of_its_choices_of_which_only_the_choice_is_learned()
    {
        var tokenizer = _setup.Bpe(begin: true);
        List<DataRow> rows = _setup.Rows("""{"text": "the cat sat on the", "choices": ["mat", "log", "question"], "label": 1}""");
        Example example = Assert.Single(ObjectiveSetup.Encode(_setup.Prepare(new MultipleChoiceOptions(), tokenizer, rows), rows));
        Assert.Equal(["<|begin|>the cat sat on the mat<|end|>", "<|begin|>the cat sat on the log<|end|>", "<|begin|>the cat sat on the question<|end|>"], example.Alternatives.Select(choice => ObjectiveSetup.Read(tokenizer, choice)));
        Assert.Equal([" mat<|end|>", " log<|end|>", " question<|end|>"], example.Alternatives.Select(choice => ObjectiveSetup.Learned(tokenizer, choice)));
        Assert.Equal(example.Alternatives[1].Ids, example.Ids);
        Assert.Equal([0, 1, 2], example.Alternatives.Select(choice => choice.Choice));
    }

    [Fact]
    public void Choices_of_all_rows_stand_in_the_recipe_and_labels_may_be_their_texts()
    {
        var tokenizer = _setup.Bpe();
        List<DataRow> rows = _setup.Rows("""{"text": "is the answer yes", "label": "yes"}""", """{"text": "is the answer no", "answer": "no"}""");
        var options = new MultipleChoiceOptions { Choices = ["yes", "no"], Separator = "?\nAnswer: " };
        IReadOnlyList<Example> examples = ObjectiveSetup.Encode(_setup.Prepare(options, tokenizer, rows), rows);
        Assert.Equal([0, 1], examples.Select(example => example.Class));
        Assert.Equal("is the answer yes?\nAnswer: yes<|end|>", ObjectiveSetup.Read(tokenizer, examples[0]));
        Assert.Equal(" yes<|end|>", ObjectiveSetup.Learned(tokenizer, examples[0]));
    }

    [Fact]
    public void The_loss_of_a_batch_is_the_sum_of_its_rows_each_computed_alone()
    {
        (IObjective objective, IReadOnlyList<Example> examples, TextModel model) = Ready(new MultipleChoiceOptions());
        float Loss(params Example[] rows)
        {
            using var tape = Tape.Begin(record: false);
            return objective.Loss(model, objective.Collate(rows, ObjectiveSetup.Rng(), 0), 1f).Item();
        }

        Assert.Equal(2, objective.TargetWeight(objective.Collate(examples, ObjectiveSetup.Rng(), 0)));
        Assert.Equal(Loss(examples[0]) + Loss(examples[1]), Loss([.. examples]), 1e-5f);

        // The first row by hand, from the logits of each choice.
        double[][] logs = [.. examples[0].Alternatives.Select(choice => LogProbabilities(model, choice))];
        double[] gradient = new double[logs.Sum(choice => choice.Length)];
        double expected = new ChoiceLosses(1, 1, 1, 1).Compute(logs.SelectMany(choice => choice).ToArray(), [.. logs.Select(choice => choice.Length)], examples[0].Class, gradient);
        Assert.Equal(expected, Loss(examples[0]), 1e-4);
    }

    [Fact]
    public void Learning_makes_the_right_choices_the_likeliest_and_is_measured_by_their_rank()
    {
        (IObjective objective, IReadOnlyList<Example> examples, TextModel model) = Ready(new MultipleChoiceOptions());
        TunedModel tuned = new LoRAOptions { Targets = [LayerTargets.AllLinear] }.Create().Apply(model, seed: 1);
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, 2, 0));
        for (int step = 0; step < 60; step++)
        {
            using var tape = Tape.Begin(record: true);
            tape.Backward(objective.Loss(model, objective.Collate(examples, ObjectiveSetup.Rng(), 0), 0.5f));
            optimizer.Step(0.01, 1);
            foreach (Parameter parameter in tuned.Trainable)
            {
                parameter.Value.ClearGrad();
            }
        }

        IPredictionCollector collector = objective.Collect();
        collector.Add(model, objective.Collate(examples, ObjectiveSetup.Rng(), 0));
        var predictions = Assert.IsType<ClassPredictions>(collector.Result());
        Assert.Equal([1, 0], predictions.Truth.ToArray());
        Assert.Equal(1.0, BuiltInMetrics.Find("accuracy").Compute(predictions));
    }

    [Fact]
    public void Ranks_follow_the_mean_log_probability_of_each_choice_or_the_sum_where_lengths_are_not_to_count()
    {
        foreach (double power in (double[])[0, 1])
        {
            (IObjective objective, IReadOnlyList<Example> examples, TextModel model) = Ready(new MultipleChoiceOptions { LengthPower = power });
            IPredictionCollector collector = objective.Collect();
            collector.Add(model, objective.Collate(examples, ObjectiveSetup.Rng(), 0));
            int[] expected = [.. examples.Select(example =>
            {
                double[] scores = [.. example.Alternatives.Select(choice => LogProbabilities(model, choice)).Select(logs => logs.Sum() / Math.Pow(logs.Length, power))];
                return Array.IndexOf(scores, scores.Max());
            })];
            Assert.Equal(expected, ((ClassPredictions)collector.Result()).Predicted.ToArray());
        }
    }

    [Fact]
    public void Long_texts_lose_their_beginning_and_never_the_choice()
    {
        var tokenizer = _setup.Bpe();
        List<DataRow> rows = _setup.Rows("""{"text": "the dog sat on the log and the cat sat on the", "choices": ["mat", "log"], "label": "mat"}""");
        IObjective objective = _setup.Prepare(new MultipleChoiceOptions(), tokenizer, rows, maxLength: 8);
        Example example = Assert.Single(ObjectiveSetup.Encode(objective, rows));
        Assert.Equal(8, example.Ids.Length);
        Assert.EndsWith(" mat<|end|>", ObjectiveSetup.Read(tokenizer, example), StringComparison.Ordinal);
        Assert.Contains("1 of 1 rows were longer than 8 tokens and were cut at the beginning", _setup.Log);
        Assert.Contains("alone fills all 2 tokens", ObjectiveSetup.Fault(_setup.Prepare(new MultipleChoiceOptions(), tokenizer, rows, maxLength: 2), rows), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"text": "a", "label": 0}""", "there is no column 'choices'")]
    [InlineData("""{"text": "a", "choices": "yes", "label": 0}""", "'choices' is not a list of texts")]
    [InlineData("""{"text": "a", "choices": ["yes"], "label": 0}""", "its choices are 'yes'. Give at least two different ones")]
    [InlineData("""{"text": "a", "choices": ["yes", "yes"], "label": 0}""", "its choices are 'yes', 'yes'")]
    [InlineData("""{"text": "a", "choices": ["yes", "no"], "label": 2}""", "'label' is '2', which is neither one of the 2 choices nor its number from 0")]
    [InlineData("""{"text": "a", "choices": ["yes", "no"], "label": "maybe"}""", "'label' is 'maybe'")]
    public void Rows_that_cannot_be_read_are_named_with_their_fault(string line, string fault)
    {
        List<DataRow> rows = _setup.Rows(line);
        Assert.Contains(fault, ObjectiveSetup.Fault(_setup.Prepare(new MultipleChoiceOptions(), _setup.Bpe(), rows), rows), StringComparison.Ordinal);
    }

    [Fact]
    public void Models_whose_tokens_see_later_ones_and_packing_are_refused()
    {
        (IObjective objective, IReadOnlyList<Example> examples, _) = Ready(new MultipleChoiceOptions());
        var error = Assert.Throws<CheckpointException>(() => objective.Loss(TinyModelOf("bert"), objective.Collate(examples, ObjectiveSetup.Rng(), 0), 1f));
        Assert.StartsWith("bert: its tokens see those after them", error.Message, StringComparison.Ordinal);
        Assert.Throws<DatasetException>(() => _setup.Prepare(new MultipleChoiceOptions(), _setup.Bpe(), [], new DataOptions { Train = ["x"], Packing = true }));
        Assert.Single(new MultipleChoiceOptions { Likelihood = 0, Unlikelihood = 0, LengthNormalized = 0 }.Validate());
    }

    private (IObjective Objective, IReadOnlyList<Example> Examples, TextModel Model) Ready(MultipleChoiceOptions options)
    {
        List<DataRow> rows = _setup.Rows(
            """{"text": "the cat sat on the", "choices": ["mat and the log", "log", "question"], "label": 1}""",
            """{"text": "is the answer", "choices": ["yes", "no and yes or no", "the log"], "label": "yes"}""");
        IObjective objective = _setup.Prepare(options, _setup.Bpe(), rows);
        return (objective, ObjectiveSetup.Encode(objective, rows), TinyModelOf("gpt2"));
    }

    private static TextModel TinyModelOf(string family)
    {
        var json = System.Text.Json.Nodes.JsonObject.Create(TinyTuning.Config(family).Json)!;
        (json["vocab_size"], json[family == "gpt2" ? "n_positions" : "max_position_embeddings"]) = (400, 64);
        return TextModel.Create(Formats.ModelConfig.From(System.Text.Json.JsonDocument.Parse(json.ToJsonString()).RootElement.Clone(), "config.json"), HeadChoice.Language, seed: 1);
    }

    private static double[] LogProbabilities(TextModel model, Example choice)
    {
        using var tape = Tape.Begin(record: false);
        Tensor logits = model.Logits(new TokenBatch(choice.Ids, [choice.Ids.Length]));
        float[] values = logits.ToArray();
        int width = logits.Columns;
        return [.. Enumerable.Range(1, choice.Ids.Length - 1).Where(i => choice.TokenLabels![i] != Example.Ignore)
            .Select(i => values[((i - 1) * width) + choice.Ids[i]] - Math.Log(Enumerable.Range(0, width).Sum(k => Math.Exp(values[((i - 1) * width) + k]))))];
    }
}
