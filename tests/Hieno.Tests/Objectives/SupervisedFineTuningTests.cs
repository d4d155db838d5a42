using Hieno.Data;
using Hieno.Formats.Text;
using Hieno.Models;
using Hieno.Objectives;
using Hieno.Tensors;

namespace Hieno.Tests.Objectives;

public sealed class SupervisedFineTuningTests : IDisposable
{
    // ChatML as many checkpoints carry it: without generation blocks.
    private const string ChatMl =
        "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    // Llama 2's layout: begin and end around each pair of turns, and a space after the instruction.
    private const string Llama2 =
        "{% for message in messages %}{% if message.role == 'user' %}{{ bos_token + '[INST] ' + message.content + ' [/INST]' }}"
        + "{% else %}{{ ' ' + message.content + eos_token }}{% endif %}{% endfor %}";

    // As Qwen 3: thoughts are left out of all answers but the last.
    private const string Thinking =
        "{% for message in messages %}{% if message.role == 'assistant' %}{% set said = message.content.split('</think>')[-1].lstrip('\n') %}"
        + "{{ '<|im_start|>assistant\n' }}{% if loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{{ said + '<|im_end|>\n' }}"
        + "{% else %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    private const string TwoTurns = """
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is the cat on the mat?"}, {"role": "assistant", "content": "Yes."},
         {"role": "user", "content": "And the dog?"}, {"role": "assistant", "content": "No, on the log."}]}
        """;

    private readonly ObjectiveSetup _setup = new();

    public void Dispose() => _setup.Dispose();

    [Theory]
    [InlineData(ChatMl, "Yes.<|im_end|>|No, on the log.<|im_end|>")]
    [InlineData(Llama2, " Yes.<|end|>| No, on the log.<|end|>")]
    [InlineData("chatml", "Yes.<|im_end|>|No, on the log.<|im_end|>")]
    [InlineData("plain", "Yes.<|end|>|No, on the log.<|end|>")]
    public void Exactly_what_the_assistant_says_and_its_turns_end_are_learned(string template, string learned)
    {
        (ModelTokenizer tokenizer, Example example) = Encode(template, template == Llama2 ? TwoTurns.Replace("""{"role": "system", "content": "Be brief."}, """, string.Empty, StringComparison.Ordinal) : TwoTurns);
        Assert.Equal(learned, ObjectiveSetup.Learned(tokenizer, example));
        Assert.Null(example.TokenWeights);
        Assert.Equal("rows.jsonl, line 1", example.Source);
    }

    [Fact]
    public void The_model_reads_what_the_template_writes_and_its_begin_token_once()
    {
        (ModelTokenizer tokenizer, Example example) = Encode(Llama2, """{"messages": [{"role": "user", "content": "the cat"}, {"role": "assistant", "content": "sat"}]}""", begin: true);
        Assert.Equal("<|begin|>[INST] the cat [/INST] sat<|end|>", ObjectiveSetup.Read(tokenizer, example));
        Assert.Single(example.Ids, 3);
    }

    [Fact]
    public void Thoughts_that_a_template_leaves_out_of_earlier_turns_do_not_hide_the_answers()
    {
        string row = """
            {"messages": [{"role": "user", "content": "the cat"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nsat"}, {"role": "user", "content": "the dog"},
             {"role": "assistant", "content": "sat on the log"}]}
            """;
        (ModelTokenizer tokenizer, Example example) = Encode(Thinking, row);
        Assert.Equal("sat<|im_end|>|<think>\n\n</think>\n\nsat on the log<|im_end|>", ObjectiveSetup.Learned(tokenizer, example));
    }

    [Fact]
    public void A_template_that_hides_where_an_answer_stands_is_refused()
    {
        const string Backwards = "{% for message in messages|reverse %}{{ message.content|length }};{% endfor %}";
        ModelTokenizer tokenizer = _setup.Bpe(Backwards);
        List<DataRow> rows = _setup.Rows(TwoTurns.ReplaceLineEndings(" "));
        string message = ObjectiveSetup.Fault(_setup.Prepare(new SupervisedFineTuningOptions(), tokenizer, rows), rows);
        Assert.Contains("rows.jsonl, line 1: the chat template rewrites the text of turn 3", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_turn_of_weight_0_is_read_and_not_learned()
    {
        string row = TwoTurns.Replace("\"content\": \"Yes.\"", "\"content\": \"Yes.\", \"weight\": 0", StringComparison.Ordinal);
        foreach (string template in (string[])[ChatMl, "chatml"])
        {
            (ModelTokenizer tokenizer, Example example) = Encode(template, row);
            Assert.Equal("No, on the log.<|im_end|>", ObjectiveSetup.Learned(tokenizer, example));
            Assert.Contains("Yes.", ObjectiveSetup.Read(tokenizer, example), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_weight_between_counts_in_part()
    {
        (ModelTokenizer tokenizer, Example example) = Encode(ChatMl, TwoTurns.Replace("\"content\": \"Yes.\"", "\"content\": \"Yes.\", \"weight\": 0.5", StringComparison.Ordinal));
        Assert.Equal("Yes.<|im_end|>|No, on the log.<|im_end|>", ObjectiveSetup.Learned(tokenizer, example));
        int yes = Enumerable.Range(0, example.Ids.Length).First(i => example.TokenLabels![i] != Example.Ignore);
        Assert.Equal(0.5f, example.TokenWeights![yes]);
        Assert.Equal(1f, example.TokenWeights[Array.FindLastIndex(example.TokenLabels!, label => label != Example.Ignore)]);
        Assert.True(new SupervisedFineTuningOptions().Create().Collate([example], ObjectiveSetup.Rng(), 0).TargetWeight() < example.TokenLabels!.Count(label => label != Example.Ignore));
    }

    [Theory]
    [InlineData("the answer is", " yes", " yes<|end|>")]
    [InlineData("the answer is ", "yes", "yes<|end|>")] // " yes" would be one token
    [InlineData("the ans", "wer is yes", "wer is yes<|end|>")]
    [InlineData("", "the cat sat", "the cat sat<|end|>")]
    public void A_completion_is_learned_to_its_end_and_the_prompt_keeps_its_own_tokens(string prompt, string completion, string learned)
    {
        foreach (bool begin in (bool[])[false, true])
        {
            string row = System.Text.Json.JsonSerializer.Serialize(new { prompt, completion });
            (ModelTokenizer tokenizer, Example example) = Encode(null, row, begin);
            Assert.Equal(learned, ObjectiveSetup.Learned(tokenizer, example));
            int[] alone = tokenizer.Tokenizer.Encode(prompt).Ids;
            Assert.Equal(alone, example.Ids[..alone.Length]);
            Assert.Equal(begin, example.Ids[0] == 3);
        }
    }

    [Fact]
    public void Prompts_are_learned_too_when_asked_for()
    {
        (ModelTokenizer tokenizer, Example example) = Encode(ChatMl, TwoTurns, options: new SupervisedFineTuningOptions { LearnPrompts = true });
        Assert.Equal(ObjectiveSetup.Read(tokenizer, example), ObjectiveSetup.Learned(tokenizer, example));
    }

    [Fact]
    public void Long_rows_are_cut_at_the_end_and_those_without_an_answer_left_refused()
    {
        ModelTokenizer tokenizer = _setup.Bpe(ChatMl);
        string longAnswer = """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "the cat sat on the mat and the dog sat on the log"}]}""";
        string longPrompt = """{"messages": [{"role": "user", "content": "the cat sat on the mat and the dog sat on the log"}, {"role": "assistant", "content": "a"}]}""";
        List<DataRow> rows = _setup.Rows(longAnswer, longPrompt);
        IObjective objective = _setup.Prepare(new SupervisedFineTuningOptions(), tokenizer, rows, maxLength: 24);
        var invalid = new List<DatasetException>();
        Example kept = Assert.Single(objective.Encode(rows, invalid));
        Assert.Equal(24, kept.Ids.Length);
        Assert.StartsWith("the cat", ObjectiveSetup.Learned(tokenizer, kept), StringComparison.Ordinal);
        Assert.Contains("line 2: the prompt alone fills all 24 tokens", Assert.Single(invalid).Message, StringComparison.Ordinal);
        Assert.Contains("1 of 2 rows were longer than 24 tokens and were cut at the end", _setup.Log);
    }

    [Fact]
    public void A_row_the_template_refuses_is_reported_with_its_reason()
    {
        ModelTokenizer tokenizer = _setup.Bpe("{{ raise_exception('roles must alternate') }}");
        List<DataRow> rows = _setup.Rows(TwoTurns.ReplaceLineEndings(" "));
        Assert.Contains("roles must alternate", ObjectiveSetup.Fault(_setup.Prepare(new SupervisedFineTuningOptions(), tokenizer, rows), rows), StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_of_tools_reach_the_template_as_objects()
    {
        const string Template =
            "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content }}{% for c in m.tool_calls %}{{ c.function.name + c.function.arguments|tojson }}{% endfor %}"
            + "{{ m.tool_call_id }}{{ m.mood }}{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
        string row = """
            {"messages": [{"role": "user", "content": "the dog?"}, {"role": "assistant", "content": null, "mood": "calm",
             "tool_calls": [{"id": "1", "type": "function", "function": {"name": "find", "arguments": "{\"what\": \"dog\"}"}}]},
             {"role": "tool", "content": "log", "tool_call_id": "1"}, {"role": "assistant", "content": "on the log"}]}
            """;
        (ModelTokenizer tokenizer, Example example) = Encode(Template, row);
        Assert.Equal("find{\"what\": \"dog\"}calm<|im_end|>|on the log<|im_end|>", ObjectiveSetup.Learned(tokenizer, example));
        Assert.Contains("<|im_start|>tool\nlog1<|im_end|>", ObjectiveSetup.Read(tokenizer, example), StringComparison.Ordinal);
    }

    [Fact]
    public void Packing_changes_neither_the_loss_nor_the_logits_of_a_row()
    {
        ModelTokenizer tokenizer = _setup.Bpe(ChatMl);
        List<DataRow> rows = _setup.Rows([.. ((string[])["cat", "dog", "log and mat", "the cat sat", "question"]).Select(word =>
            $$"""{"messages": [{"role": "user", "content": "{{word}}"}, {"role": "assistant", "content": "the {{word}} is yes"}]}""")]);
        IObjective objective = _setup.Prepare(new SupervisedFineTuningOptions(), tokenizer, rows);
        IReadOnlyList<Example> examples = ObjectiveSetup.Encode(objective, rows);
        var model = TextModel.Create(Generation.TinyModels.Config("""
            { "model_type": "llama", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 400, "max_position_embeddings": 256, "initializer_range": 0.3 }
            """), HeadChoice.Language, seed: 1);

        (double apart, double weight) = Total(model, objective, [.. examples.Select(example => (Example[])[example])]);
        var plan = new BatchPlan(examples, batchSize: 2, packLength: examples.Max(example => example.Ids.Length) * 2, seed: 3);
        (double packed, double packedWeight) = Total(model, objective, [.. plan.Epoch(0).Select(batch => Array.ConvertAll(batch, i => examples[i]))]);
        Assert.Equal(weight, packedWeight);
        Assert.Equal(apart / weight, packed / packedWeight, 1e-5);

        float[] alone = Logits(model, objective.Collate([examples[2]], ObjectiveSetup.Rng(), 0));
        float[] among = Logits(model, objective.Collate([examples[0], examples[2], examples[4]], ObjectiveSetup.Rng(), 0));
        int start = examples[0].Ids.Length * 400;
        Assert.All(alone.Zip(among[start..(start + alone.Length)]), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
    }

    [Fact]
    public void A_rows_last_token_predicts_nothing_of_the_next_row()
    {
        (_, Example example) = Encode(ChatMl, TwoTurns);
        Batch batch = new SupervisedFineTuningOptions().Create().Collate([example, example], ObjectiveSetup.Rng(), 0);
        int length = example.Ids.Length;
        Assert.Equal([.. example.TokenLabels![1..], Example.Ignore, .. example.TokenLabels[1..], Example.Ignore], batch.Labels);
        Assert.Equal([length, length], batch.Tokens.Lengths);
    }

    private (ModelTokenizer Tokenizer, Example Example) Encode(string? template, string row, bool begin = false, SupervisedFineTuningOptions? options = null)
    {
        bool builtIn = template is "plain" or "chatml";
        ModelTokenizer tokenizer = _setup.Bpe(builtIn ? null : template, begin);
        List<DataRow> rows = _setup.Rows(row.ReplaceLineEndings(" "));
        IObjective objective = _setup.Prepare(options ?? new SupervisedFineTuningOptions(), tokenizer, rows, new DataOptions { Train = [], ChatTemplate = builtIn ? template : null });
        return (tokenizer, ObjectiveSetup.Encode(objective, rows)[0]);
    }

    private static (double Loss, double Weight) Total(TextModel model, IObjective objective, Example[][] batches)
    {
        (double loss, double weight) = (0, 0);
        foreach (Example[] rows in batches)
        {
            Batch batch = objective.Collate(rows, ObjectiveSetup.Rng(), 0);
            using var tape = Tape.Begin(record: false);
            loss += objective.Loss(model, batch, 1f).Item();
            weight += objective.TargetWeight(batch);
        }

        return (loss, weight);
    }

    private static float[] Logits(TextModel model, Batch batch)
    {
        using var tape = Tape.Begin(record: false);
        return model.Logits(batch.Tokens).ToArray();
    }
}
