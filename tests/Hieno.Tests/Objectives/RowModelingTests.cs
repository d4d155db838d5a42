using System.Text.Json;
using System.Text.Json.Nodes;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Metrics;
using Hieno.Objectives;
using Hieno.Tensors;

namespace Hieno.Tests.Objectives;

// Classification, multi-label classification and regression, and what they share.
public sealed class RowModelingTests : IDisposable
{
    private readonly ObjectiveSetup _setup = new();

    public void Dispose() => _setup.Dispose();

    [Fact]
    public void Labels_are_in_order_of_size_or_alphabet_and_written_into_the_configuration()
    {
        List<DataRow> numbers = _setup.Rows("""{"text": "a", "label": 10}""", """{"text": "b", "label": 2}""", """{"text": "c", "label": -1}""");
        var objective = (Classification)_setup.Prepare(new ClassificationOptions(), _setup.WordPiece(), numbers);
        Assert.Equal(["-1", "2", "10"], objective.Labels.Names);
        Assert.Equal([2, 1, 0], ObjectiveSetup.Encode(objective, numbers).Select(example => example.Class));
        Assert.Equal(HeadChoice.Classification(3), objective.Head);

        var config = new JsonObject();
        objective.Describe(config);
        Assert.Equal("""{"id2label":{"0":"-1","1":"2","2":"10"},"label2id":{"-1":0,"2":1,"10":2},"problem_type":"single_label_classification"}""", config.ToJsonString());

        List<DataRow> names = _setup.Rows("""{"text": "a", "category": "spam"}""", """{"text": "b", "category": " ham "}""", """{"text": "c", "category": "Spam"}""");
        Assert.Equal(["Spam", "ham", "spam"], ((Classification)_setup.Prepare(new ClassificationOptions(), _setup.WordPiece(), names)).Labels.Names);
    }

    [Fact]
    public void A_base_that_is_a_classifier_of_these_labels_keeps_their_order()
    {
        ModelConfig config = ModelConfig.From(JsonDocument.Parse("""{"id2label": {"0": "spam", "1": "unsure", "2": "ham"}}""").RootElement.Clone(), "config.json");
        List<DataRow> rows = _setup.Rows("""{"text": "a", "label": "ham"}""", """{"text": "b", "label": "spam"}""");
        Assert.Equal(["spam", "unsure", "ham"], LabelSet.ForTraining(rows, row => [row.Text("label")], config).Names);
        List<DataRow> other = _setup.Rows("""{"text": "a", "label": "ham"}""", """{"text": "b", "label": "eggs"}""");
        Assert.Equal(["eggs", "ham"], LabelSet.ForTraining(other, row => [row.Text("label")], config).Names);
    }

    [Fact]
    public void A_label_that_training_did_not_have_is_refused_with_those_it_had()
    {
        List<DataRow> train = _setup.Rows("""{"text": "a", "label": "spam"}""", """{"text": "b", "label": "ham"}""");
        IObjective objective = _setup.Prepare(new ClassificationOptions(), _setup.WordPiece(), train);
        string message = ObjectiveSetup.Fault(objective, _setup.Rows("""{"text": "c", "label": "eggs"}"""));
        Assert.Contains("rows.jsonl, line 1: the label 'eggs' does not occur in training. Known are ham, spam", message, StringComparison.Ordinal);
        Assert.Contains("there is no 'label'; the row has text", ObjectiveSetup.Fault(objective, _setup.Rows("""{"text": "c"}""")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"text": "a", "label": "x"}""", "all rows have the same label 'x'")]
    [InlineData("""{"text": "a", "class": "x"}""", "there is no 'label'; the row has text, class")]
    public void A_classifier_needs_two_labels(string row, string message)
    {
        List<DataRow> rows = _setup.Rows(row, row);
        var error = Assert.Throws<DatasetException>(() => _setup.Prepare(new ClassificationOptions(), _setup.WordPiece(), rows));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_that_may_be_several_are_a_list_or_stand_between_commas()
    {
        List<DataRow> rows = _setup.Rows(
            """{"text": "a", "labels": ["cat", "dog"]}""", """{"text": "b", "labels": "dog, bird"}""", """{"text": "c", "labels": []}""", """{"text": "d", "labels": null}""",
            """{"text": "e", "labels": " cat "}""");
        IObjective objective = _setup.Prepare(new MultiLabelClassificationOptions(), _setup.WordPiece(), rows);
        Assert.Equal(HeadChoice.Classification(3), objective.Head); // bird, cat, dog
        float[][] expected = [[0, 1, 1], [1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0]];
        Assert.Equal(expected, ObjectiveSetup.Encode(objective, rows).Select(example => example.Targets!));

        List<DataRow> bad = _setup.Rows("""{"text": "a", "labels": ["cat", null]}""");
        Assert.Contains("'labels' holds null, which is no label", ObjectiveSetup.Fault(objective, bad), StringComparison.Ordinal);
        List<DataRow> mixed = _setup.Rows("""{"text": "a", "labels": {"cat": 1}}""", """{"text": "a", "labels": ["cat"]}""");
        var invalid = new List<DatasetException>();
        Assert.Single(_setup.Prepare(new MultiLabelClassificationOptions(), _setup.WordPiece(), mixed).Encode(mixed, invalid)); // one bad row is reported, not the end
        Assert.Single(invalid);
    }

    [Fact]
    public void Numbers_to_predict_may_be_several_and_must_be_finite()
    {
        List<DataRow> rows = _setup.Rows("""{"text": "a", "label": [0.5, -2]}""", """{"text": "b", "label": [1, 2]}""");
        IObjective objective = _setup.Prepare(new RegressionOptions(), _setup.WordPiece(), rows);
        Assert.Equal(HeadChoice.Classification(2), objective.Head);
        Assert.Equal([[0.5f, -2f], [1f, 2f]], ObjectiveSetup.Encode(objective, rows).Select(example => example.Targets!));
        Assert.Contains("there are 1 numbers to predict, other rows have 2", ObjectiveSetup.Fault(objective, _setup.Rows("""{"text": "a", "label": 3}""")), StringComparison.Ordinal);
        foreach (string bad in (string[])["""[1, "x"]""", "1e99", "\"NaN\"", "[]", "[1e300, 1]"])
        {
            Assert.Contains("'label' is", ObjectiveSetup.Fault(objective, _setup.Rows($$"""{"text": "a", "label": {{bad}}}""")), StringComparison.Ordinal);
        }

        List<DataRow> written = _setup.Rows("""{"text": "a", "label": "bad"}""", """{"text": "a", "label": "0.25"}""");
        IObjective single = _setup.Prepare(new RegressionOptions(), _setup.WordPiece(), written);
        var invalid = new List<DatasetException>();
        Assert.Equal([0.25f], Assert.Single(single.Encode(written, invalid)).Targets!);
        Assert.Single(invalid);
    }

    [Fact]
    public void Pairs_have_types_and_long_ones_lose_tokens_of_the_longer_text_and_keep_their_separators()
    {
        var data = new DataOptions { Train = [], PairColumn = "answer" };
        List<DataRow> rows = _setup.Rows(
            """{"text": "the cat sat on the mat and the dog sat on the log", "answer": "yes", "label": 1}""", """{"text": "cat", "answer": "dog", "label": 0}""");
        ModelTokenizer tokenizer = _setup.WordPiece();
        IObjective objective = _setup.Prepare(new ClassificationOptions(), tokenizer, rows, data, maxLength: 12);
        IReadOnlyList<Example> examples = ObjectiveSetup.Encode(objective, rows);
        Assert.Equal(12, examples[0].Ids.Length);
        Assert.Equal(2, examples[0].Ids[0]);
        Assert.Equal(3, examples[0].Ids[^1]);
        Assert.Equal(2, examples[0].Ids.Count(id => id == 3));
        Assert.EndsWith("[SEP] yes [SEP]", ObjectiveSetup.Read(tokenizer, examples[0]), StringComparison.Ordinal);
        int separator = Array.IndexOf(examples[0].Ids, 3);
        Assert.Equal(Enumerable.Range(0, 12).Select(i => i <= separator ? 0 : 1), examples[0].TokenTypes!);
        Assert.Contains("1 of 2 rows were longer than 12 tokens and were cut at their end", _setup.Log);
    }

    [Fact]
    public void A_long_row_is_cut_before_its_last_special_token()
    {
        ModelTokenizer tokenizer = _setup.WordPiece();
        List<DataRow> rows = _setup.Rows("""{"text": "the cat sat on the mat", "label": 1}""", """{"text": "a", "label": 0}""");
        Example example = ObjectiveSetup.Encode(_setup.Prepare(new ClassificationOptions(), tokenizer, rows, maxLength: 5), rows)[0];
        Assert.Equal([2, .. tokenizer.Tokenizer.Encode(rows[0].Text("text"), addSpecialTokens: false).Ids[..3], 3], example.Ids);
        Assert.Null(example.TokenTypes);
        List<DataRow> one = _setup.Rows("""{"text": "the cat sat on the mat", "label": 1}""");
        Assert.Contains("which the 2 special tokens fill alone", ObjectiveSetup.Fault(_setup.Prepare(new ClassificationOptions(), tokenizer, rows, maxLength: 2), one), StringComparison.Ordinal);
    }

    [Fact]
    public void Losses_divided_by_their_weight_are_the_usual_means()
    {
        ModelTokenizer tokenizer = _setup.WordPiece();
        List<DataRow> rows = _setup.Rows("""{"text": "cat", "label": [0, 2]}""", """{"text": "the dog sat", "label": [1, 0]}""", """{"text": "log", "label": [1, 1]}""");
        TextModel model = TextModel.Create(Generation.TinyModels.Config("""
            { "model_type": "bert", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 120, "max_position_embeddings": 32, "initializer_range": 0.5 }
            """), HeadChoice.Classification(2), seed: 4);

        IObjective regression = _setup.Prepare(new RegressionOptions(), tokenizer, rows);
        Batch batch = regression.Collate(ObjectiveSetup.Encode(regression, rows), ObjectiveSetup.Rng(), 0);
        using var tape = Tape.Begin(record: false);
        float[] scores = model.Classify(batch.Tokens).ToArray();
        double[] targets = [0, 2, 1, 0, 1, 1];
        Assert.Equal(scores.Zip(targets, (s, t) => (s - t) * (s - t)).Average(), regression.Loss(model, batch, 1f).Item() / regression.TargetWeight(batch), 1e-5);

        List<DataRow> named = _setup.Rows("""{"text": "cat", "label": "b"}""", """{"text": "the dog sat", "label": "a"}""", """{"text": "log", "label": "a"}""");
        IObjective classes = _setup.Prepare(new ClassificationOptions(), tokenizer, named);
        Batch classBatch = classes.Collate(ObjectiveSetup.Encode(classes, named), ObjectiveSetup.Rng(), 0);
        int[] index = [1, 0, 0];
        double crossEntropy = Enumerable.Range(0, 3).Average(row => Math.Log(Math.Exp(scores[2 * row]) + Math.Exp(scores[(2 * row) + 1])) - scores[(2 * row) + index[row]]);
        Assert.Equal(crossEntropy, classes.Loss(model, classBatch, 1f).Item() / classes.TargetWeight(classBatch), 1e-5);

        IObjective several = _setup.Prepare(new MultiLabelClassificationOptions(), tokenizer, named);
        Batch labelBatch = several.Collate(ObjectiveSetup.Encode(several, named), ObjectiveSetup.Rng(), 0);
        double[] wanted = [0, 1, 1, 0, 1, 0];
        double binary = scores.Zip(wanted, (s, t) => Math.Log(1 + Math.Exp(s)) - (t * s)).Average();
        Assert.Equal(binary, several.Loss(model, labelBatch, 1f).Item() / several.TargetWeight(labelBatch), 1e-5);
    }

    [Fact]
    public void Every_objectives_default_metrics_exist()
    {
        foreach (ObjectiveOptions options in (ObjectiveOptions[])[new ClassificationOptions(), new MultiLabelClassificationOptions(), new RegressionOptions(),
            new SupervisedFineTuningOptions(), new CausalLanguageModelingOptions(), new MaskedLanguageModelingOptions()])
        {
            Assert.All(options.Create().DefaultMetrics, name => Assert.Equal(name, BuiltInMetrics.Find(name).Name));
        }
    }
}
