using System.Text.Json;
using Hieno.Formats.ChatTemplates;

namespace Hieno.Formats.Tests.ChatTemplates;

public sealed class ChatTemplateTests
{
    // The day the expected texts of strftime_now were made for.
    private static readonly ChatTemplateOptions Options = new() { Clock = new FixedClock(new DateTime(2024, 7, 26, 9, 5, 3).AddTicks(1234560)) };

    public static TheoryData<string> Rendered => TemplateCase.Names("rendered.json");

    public static TheoryData<string> Refused => TemplateCase.Names("refused.json");

    public static TheoryData<string> Malformed => TemplateCase.Names("malformed.json");

    [Theory]
    [MemberData(nameof(Rendered))]
    public void Template_renders_as_in_jinja2(string name)
    {
        var test = TemplateCase.Find("rendered.json", name);

        var chat = ChatTemplate.Parse(test.Template, name, Options).Render(test.Variables);

        Assert.Equal(TemplateCase.Lines(test.Case.GetProperty("expected")), chat.Text);
        var spans = test.Case.TryGetProperty("spans", out var expected)
            ? expected.EnumerateArray().Select(s => s[0].GetInt32()..s[1].GetInt32()).ToList()
            : [];
        Assert.Equal(spans, chat.GenerationSpans);
        Assert.False(chat.HasLostGenerationText);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_jinja2_refuses_to_render_is_refused_with_the_line(string name)
    {
        var test = TemplateCase.Find("refused.json", name);
        var template = ChatTemplate.Parse(test.Template, name, Options);

        var error = Assert.Throws<ChatTemplateException>(() => template.Render(test.Variables));

        Assert.Contains(test.Case.GetProperty("message").GetString()!, error.Message, StringComparison.Ordinal);
        Assert.Equal(test.Case.GetProperty("line").GetInt32(), error.Line);
        Assert.StartsWith($"{name}, line {error.Line}, column {error.Column}: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void What_jinja2_refuses_to_parse_is_refused_with_line_and_column(string name)
    {
        var test = TemplateCase.Find("malformed.json", name);

        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(test.Template, name, Options));

        Assert.Contains(test.Case.GetProperty("message").GetString()!, error.Message, StringComparison.Ordinal);
        Assert.Equal((test.Case.GetProperty("line").GetInt32(), test.Case.GetProperty("column").GetInt32()), (error.Line, error.Column));
        Assert.Equal(ErrorCodes.TemplateSyntax, error.Code);
    }

    [Fact]
    public void Raised_message_is_kept_word_for_word()
    {
        var template = ChatTemplate.Parse("a\n  {{ raise_exception('Roles must alternate.') }}", "strict");

        var error = Assert.Throws<ChatTemplateException>(() => template.Render(new Dictionary<string, object?>()));

        Assert.Equal("Roles must alternate.", error.RaisedMessage);
        Assert.Equal(ErrorCodes.TemplateRaised, error.Code);
        Assert.Equal(
            "strict, line 2, column 21: Roles must alternate. The template refuses these messages: give it what it asks for.", error.Message);
    }

    [Fact]
    public void Messages_reach_the_template_with_only_the_fields_they_have()
    {
        var calls = JsonDocument.Parse("""[{"id": "c1", "function": {"name": "f", "arguments": {"n": 1}}}]""").RootElement;
        var template = ChatTemplate.Parse("{% for m in messages %}{{ m }}\n{% endfor %}{{ tools }} {{ documents }} {{ bos_token }}{{ mode }}", "echo");

        var chat = template.RenderMessages(
            [
                new ChatMessage("user", "hi") { Name = "Ann", Weight = 0 },
                new ChatMessage("assistant", null) { ToolCalls = calls },
                new ChatMessage("tool", "7") { ToolCallId = "c1", Fields = new Dictionary<string, object?> { ["ok"] = true } },
            ],
            addGenerationPrompt: false,
            new Dictionary<string, string> { ["bos_token"] = "<s>" },
            extra: new Dictionary<string, object?> { ["mode"] = 3 });

        Assert.Equal(
            """
            {'role': 'user', 'content': 'hi', 'name': 'Ann'}
            {'role': 'assistant', 'content': None, 'tool_calls': [{'id': 'c1', 'function': {'name': 'f', 'arguments': {'n': 1}}}]}
            {'role': 'tool', 'content': '7', 'tool_call_id': 'c1', 'ok': True}
            None None <s>3
            """.ReplaceLineEndings("\n"),
            chat.Text);
    }

    [Fact]
    public void Values_of_dotnet_types_print_as_their_python_counterparts()
    {
        var variables = new Dictionary<string, object?>
        {
            ["values"] = new object?[] { (byte)1, 2L, 3UL, 0.1f, 1.50m, 'c', null, true, new[] { 1, 2 }, new Dictionary<string, string> { ["k"] = "v" } },
        };

        string text = ChatTemplate.Parse("{{ values }}", "t").Render(variables).Text;

        Assert.Equal("[1, 2, 3, 0.1, 1.5, 'c', None, True, [1, 2], {'k': 'v'}]", text);
    }

    [Fact]
    public void Value_of_an_unknown_type_is_refused_with_its_path()
    {
        var variables = new Dictionary<string, object?> { ["a"] = new Dictionary<string, object?> { ["b"] = new[] { new object() } } };

        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("", "t").Render(variables));

        Assert.Contains("a.b[0] is a Object", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_of_a_generation_block_that_is_changed_is_reported_as_lost()
    {
        const string Source = "{% macro m() %}{% generation %}a b{% endgeneration %}{% endmacro %}";

        var printed = ChatTemplate.Parse(Source + "<{{ m() }}>", "t").Render(new Dictionary<string, object?>());
        var changed = ChatTemplate.Parse(Source + "<{{ m()|upper }}>", "t").Render(new Dictionary<string, object?>());

        Assert.Equal([1..4], printed.GenerationSpans);
        Assert.False(printed.HasLostGenerationText);
        Assert.Empty(changed.GenerationSpans);
        Assert.True(changed.HasLostGenerationText);
    }

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}")]
    [InlineData("{% set ns = namespace(a=[], b=[]) %}{% for i in range(100) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}")]
    [InlineData("{% set ns = namespace(l=[]) %}{% for i in range(50000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}")]
    [InlineData("{{ 'x' * 10 ** 12 }}")]
    [InlineData("{{ 'x'|indent(10 ** 12) }}")]
    [InlineData("{{ [0] * 10 ** 12 }}")]
    [InlineData("{{ 10 ** (10 ** 10) }}")]
    [InlineData("{{ 'x'.ljust(10 ** 12) }}")]
    [InlineData("{{ '%2000000000s' % 'x' }}")]
    [InlineData("{% set ns = namespace(s='ab' * 1000000) %}{% for i in range(100000) %}{{ 'ba' * 1000 in ns.s }}{% endfor %}")]
    [InlineData("{% for x in range(100000) %}{% for y in range(100000) if false %}{% endfor %}{% endfor %}")]
    [InlineData("{% set l = range(100000)|list %}{% for x in l %}{{ -1 in l }}{% endfor %}")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    public void Runaway_template_ends_with_an_error(string source)
    {
        var template = ChatTemplate.Parse(source, "runaway");

        Assert.Throws<ChatTemplateException>(() => template.Render(new Dictionary<string, object?>()));
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("-", "")]
    [InlineData("not ", "")]
    [InlineData("a.b(", ")")]
    [InlineData("1 if 2 else ", "")]
    [InlineData("1+", "")]
    [InlineData("1 ~ [", "]")]
    public void Deeply_nested_expression_is_refused(string open, string close)
    {
        string source = "{{ " + string.Concat(Enumerable.Repeat(open, 20_000)) + "1" + string.Concat(Enumerable.Repeat(close, 20_000)) + " }}";

        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source, "deep").Render(new Dictionary<string, object?>()));
    }

    [Fact]
    public void Deeply_nested_blocks_are_refused()
    {
        string source = string.Concat(Enumerable.Repeat("{% if 1 %}", 20_000));

        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(source, "deep"));
    }

    [Fact]
    public void Chat_of_a_million_tokens_stays_within_the_default_bounds()
    {
        var turns = Enumerable.Range(0, 10_000).Select(i => new ChatMessage(i % 2 == 0 ? "user" : "assistant", new string('x', 400))).ToList();
        var qwen = ChatTemplate.Parse(TemplateCase.Find("rendered.json", "qwen style with tools").Template, "qwen");

        var chat = qwen.RenderMessages(turns, addGenerationPrompt: true);

        Assert.InRange(chat.Text.Length, 4_000_000, 5_000_000);
    }

    [Fact]
    public void One_template_serves_many_threads()
    {
        var template = ChatTemplate.Parse("{% set ns = namespace(n=0) %}{% for i in range(n) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "sum");

        Parallel.For(1, 200, n =>
            Assert.Equal($"{n * (n - 1) / 2}", template.Render(new Dictionary<string, object?> { ["n"] = n }).Text));
    }

    private sealed class FixedClock(DateTime now) : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(now, TimeSpan.Zero);
    }
}
