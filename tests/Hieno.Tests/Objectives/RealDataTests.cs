using Hieno.Data;
using Hieno.Formats.Text;
using Hieno.Objectives;
using Hieno.Tests.Shared;

namespace Hieno.Tests.Objectives;

// Public data sets with tokenizers of the kinds in use: every answer is learned, whole, and nothing else.
public sealed class RealDataTests : IDisposable
{
    private const string Template =
        "{% for message in messages %}{% if message.role == 'assistant' %}{{ '[A] ' + message.content + eos_token }}{% else %}{{ '[U] ' + message.content + ' ' }}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '[A] ' }}{% endif %}";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [Trait("tier", "golden")]
    [InlineData("gpt2", "<|endoftext|>")]
    [InlineData("llama3", "<|end_of_text|>")]
    [InlineData("qwen2", "<|endoftext|>")]
    [InlineData("llama2_sp", "</s>")]
    public void Answers_of_public_data_sets_are_learned_whole(string tokenizerName, string end)
    {
        File.Copy(SharedFolder.Require($"golden/tokenizers/{tokenizerName}/tokenizer.json"), _folder.PathOf("tokenizer.json"));
        _folder.Write("tokenizer_config.json", System.Text.Json.JsonSerializer.Serialize(new { eos_token = end, chat_template = Template }));
        var tokenizer = ModelTokenizer.Load(_folder.Path);
        Assert.NotNull(tokenizer.EndId);
        foreach (string file in (string[])["llama-factory/alpaca_en_demo.json", "llama-factory/glaive_toolcall_en_demo.json", "llama-factory/identity.json", "openai-format/fine_tuning_sample.jsonl"])
        {
            List<DataRow> rows = [.. DataSplit.ReadFile(SharedFolder.Require($"data/instruction/{file}")).Take(60)];
            IObjective objective = new SupervisedFineTuningOptions().Create();
            objective.Prepare(new ObjectiveContext(tokenizer, Tuning.TinyTuning.Config("llama"), new DataOptions { Train = [] }, int.MaxValue, _ => { }), rows);
            foreach ((Example example, DataRow row) in ObjectiveSetup.Encode(objective, rows).Zip(rows))
            {
                string[] learned = ObjectiveSetup.Learned(tokenizer, example).Split(end + "|");
                string[] said = [.. Conversation.Read(row, RowLayout.Auto).Turns.Where(turn => turn.Role == "assistant").Select(turn => turn.Content)];
                Assert.Equal(string.Join(end, said) + end, string.Join(end, learned.Select(text => text.TrimStart(' '))), ignoreWhiteSpaceDifferences: true);
            }
        }
    }
}
