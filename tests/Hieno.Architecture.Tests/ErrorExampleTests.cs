using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hieno.Data;
using Hieno.Formats;
using Hieno.Formats.ChatTemplates;
using Hieno.Formats.Durable;
using Hieno.Formats.Images;
using Hieno.Formats.Images.Png;
using Hieno.Formats.Safetensors;
using Hieno.Formats.Text;
using Hieno.Generation;
using Hieno.Merging;
using Hieno.Metrics;
using Hieno.Models;
using Hieno.Models.Vision;
using Hieno.Objectives;
using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Architecture.Tests;

/// <summary>The example on the page of an error code is what the code prints.</summary>
public sealed partial class ErrorExampleTests : IDisposable
{
    private const string Gpt2Config = """{"model_type":"gpt2","n_embd":8,"n_layer":2,"n_head":2,"n_positions":16,"vocab_size":12}""";

    // What provokes each error. Errors that need a full disk, a long run or another process have examples that were copied from one.
    private static readonly Dictionary<string, Action<ErrorExampleTests>> s_causes = new(StringComparer.Ordinal)
    {
        [ErrorCodes.CheckpointFileUnreadable] = t => SafetensorsFile.Open(t.At("model.safetensors")),
        [ErrorCodes.CheckpointHeaderTruncated] = t => t.Weights("", 4096),
        [ErrorCodes.CheckpointHeaderTooLarge] = t => t.Weights("{}", 200_000_000),
        [ErrorCodes.CheckpointNotJson] = t => t.Weights("{]"),
        [ErrorCodes.CheckpointDuplicateName] = t => t.Weights("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", data: 8),
        [ErrorCodes.CheckpointEntryInvalid] = t => t.Weights("""{"w":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}""", data: 4),
        [ErrorCodes.CheckpointOffsetsInvalid] = t => t.Weights("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", data: 8),
        [ErrorCodes.CheckpointSizeOverflow] = t => t.Weights("""{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", data: 4),
        [ErrorCodes.CheckpointSizeMismatch] = t => t.Weights("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", data: 4),
        [ErrorCodes.CheckpointLengthMismatch] = t => t.Weights("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", data: 6),
        [ErrorCodes.CheckpointIndexInvalid] = t =>
        {
            t.Write("model.safetensors.index.json", """{"weight_map":{"wte.weight":"model-00002-of-00002.safetensors"}}""");
            CheckpointFiles.Open(t._folder);
        },
        [ErrorCodes.CheckpointTensorMissing] = t => t.Entry("F32", files => files.Require("lm_head.weight")),
        [ErrorCodes.CheckpointShapeMismatch] = t => t.Entry("F32", files => WeightFiles.Read(files, "score.weight", [4])),
        [ErrorCodes.CheckpointDTypeUnsupported] = t => t.Entry("I32", files => WeightFiles.Read(files, "score.weight", [2])),
        [ErrorCodes.CheckpointConfigKeyMissing] = t => t.Config("{\"model_type\":\"gpt2\"}").GetInt("n_embd"),
        [ErrorCodes.CheckpointConfigKeyInvalid] = t => t.Config("{\"n_embd\":\"wide\"}").GetInt("n_embd"),
        [ErrorCodes.CheckpointFamilyUnknown] = t => TextModel.FamilyOf(t.Config("{\"model_type\":\"unheard-of\"}")),
        [ErrorCodes.AdapterUnsupported] = t =>
        {
            t.Write("adapter_config.json", """{"peft_type":"UNHEARD_OF"}""");
            PeftFolder.Load(TinyModel(), t._folder);
        },

        [ErrorCodes.CheckpointPickleInvalid] = t =>
        {
            File.WriteAllBytes(t.At("pytorch_model.bin"), "PK\u0003\u0004 and no more"u8.ToArray());
            CheckpointFiles.Open(t._folder);
        },
        [ErrorCodes.CheckpointPickleUnsafe] = t =>
        {
            using (var zip = new ZipArchive(File.Create(t.At("pytorch_model.bin")), ZipArchiveMode.Create))
            using (Stream pickle = zip.CreateEntry("archive/data.pkl", CompressionLevel.NoCompression).Open())
            {
                pickle.Write([0x80, 2, .. "cos\nsystem\n"u8]);
            }

            CheckpointFiles.Open(t._folder);
        },

        [ErrorCodes.DatasetFileUnreadable] = t => t.Rows("train.xlsx", "a,b"),
        [ErrorCodes.DatasetNotUtf8] = t =>
        {
            File.WriteAllBytes(t.At("train.jsonl"), [.. "{\"text\": \"caf"u8, 0xE9, .. "\"}"u8]);
            _ = DataFile.Read(t.At("train.jsonl")).ToList();
        },
        [ErrorCodes.DatasetRowNotJson] = t => t.Rows("train.jsonl", "{\"text\": \"a\"}\n{\"text\": 'b'}\n"),
        [ErrorCodes.DatasetDuplicateColumn] = t => t.Rows("train.csv", "text,label,text\na,b,c\n"),
        [ErrorCodes.DatasetQuoteInvalid] = t => t.Rows("train.csv", "text,label\n\"a,b\n"),
        [ErrorCodes.DatasetRaggedRow] = t => t.Rows("train.csv", "text,label\nHello, world,greeting\n"),
        [ErrorCodes.DatasetEmpty] = t => t.Rows("train.csv", ""),
        [ErrorCodes.DatasetColumnMissing] = t => t.Row("""{"text":"a"}""").Text("label"),
        [ErrorCodes.DatasetColumnType] = t => t.Row("""{"text":true}""").Text("text"),
        [ErrorCodes.DatasetRowInvalid] = t => Conversation.Read(t.Row("""{"messages":[{"role":"user","content":"Hi"}]}"""), RowLayout.Auto),
        [ErrorCodes.DatasetLabelUnknown] = t => new LabelSet(["ham", "spam"]).IndexOf("eggs", t.Row("""{"label":"eggs"}""")),

        [ErrorCodes.StorageFailed] = t => DurableFile.ReplaceText(t.At("absent/report.md"), "text"),

        [ErrorCodes.StorageExists] = t =>
        {
            t.Write("config.json", Gpt2Config);
            t.Write("tokenizer.json", """{"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}""");
            WeightFiles.SaveModel(TinyModel(), t._folder, companions: null);
            string adapter = Directory.CreateDirectory(t.At("adapter")).FullName;
            TunedModel tuned = new LoRAOptions().Create().Apply(TinyModel(), seed: 0);
            PeftFolder.Save(tuned.Adapter!, adapter, t._folder);
            t.WriteInto("merged", "config.json");
            LoadedModel.Open(adapter).SaveMerged(t.At("merged"));
        },

        [ErrorCodes.TemplateSyntax] = _ => ChatTemplate.Parse("{% for m in messages %}{{ m.content }}", "chat_template.jinja"),
        [ErrorCodes.TemplateEvaluation] = _ => Render("{{ messages[0].content + 1 }}"),
        [ErrorCodes.TemplateRaised] = _ => Render("{{ raise_exception('Conversation roles must alternate') }}"),
        [ErrorCodes.TemplateLimit] = _ => Render("{% for i in range(10) %}{{ i }}{% endfor %}", new ChatTemplateOptions { MaxWork = 5 }),

        [ErrorCodes.RecipeFileUnreadable] = t => Recipes.Recipe.Load(t.At("recipe.yaml")),
        [ErrorCodes.RecipeSyntax] = t => t.Recipe("base: m\ntask: sft\n  data: { train: a.jsonl }\n"),
        [ErrorCodes.RecipeTooLarge] = t => t.Recipe($"base: {string.Concat(Enumerable.Repeat("[", 70))}"),
        [ErrorCodes.RecipeDuplicateKey] = t => t.Recipe("base: m\ntask: sft\ndata: { train: a.jsonl }\noutput: runs/a\nbase: n\n"),
        [ErrorCodes.RecipeUnknownKey] = t => t.Recipe("base: m\ntask: sft\ndata: { train: a.jsonl }\ntuning: { kind: lora, rnak: 4 }\noutput: runs/a\n"),
        [ErrorCodes.RecipeUnknownKind] = t => t.Recipe("base: m\ntask: sft\ndata: { train: a.jsonl }\ntuning: lroa\noutput: runs/a\n"),
        [ErrorCodes.RecipeSettingMissing] = t => t.Recipe("base: m\ntask: sft\ndata: { train: a.jsonl }\n"),
        [ErrorCodes.RecipeValueType] = t => t.Recipe("base: m\ntask: sft\ndata: { train: a.jsonl }\ntuning: { kind: lora, rank: high }\noutput: runs/a\n"),
        [ErrorCodes.RecipeValueOutOfRange] = t => t.Recipe("base: m\ntask: sft\ndata: { train: a.jsonl }\ntuning: { kind: lora, rank: 0 }\noutput: runs/a\n"),
        [ErrorCodes.RecipeSettingsConflict] = t => t.Recipe("base: m\ntask: sft\ndata: { train: a.jsonl }\ntraining: { warmupSteps: 10, warmupRatio: 0.1 }\noutput: runs/a\n"),
        [ErrorCodes.RecipeOverrideInvalid] = t =>
        {
            t.Write("recipe.yaml", "base: m\ntask: sft\ndata: { train: a.jsonl }\noutput: runs/a\n");
            Recipes.Recipe.Load(t.At("recipe.yaml"), RecipeOverrides.Parse(["tuning.rank", "4"]));
        },

        [ErrorCodes.RecipePluginUnusable] = t => t.Recipe("plugins: [own.dll]\nbase: m\ntask: sft\ndata: { train: a.jsonl }\noutput: runs/a\n"),

        [ErrorCodes.TuningNothingTrains] = _ => new PartialOptions { LastBlocks = 0, Parts = [TuningPart.Attention], TrainHead = false }.Create().Apply(TinyModel(), 0),
        [ErrorCodes.TuningCannotMerge] = _ => new LoRAOptions { Targets = ["wte"] }.Create().Apply(TinyModel(), 0).Adapter!.Merge(),
        [ErrorCodes.TuningTargetUnknown] = _ => new LoRAOptions { Targets = ["q_proj"] }.Create().Apply(TinyModel(), 0),

        [ErrorCodes.TuningMethodsConflict] = _ => new SeveralOptions { Methods = [new NormsOptions(), new LnTuningOptions()] }.Create().Apply(TinyModel(), 0),
        [ErrorCodes.TuningCannotRoute] = t =>
        {
            PeftFolder.Save(new LnTuningOptions().Create().Apply(TinyModel(), 0).Adapter!, t._folder, "base");
            var adapters = new AdapterSet(TinyModel());
            adapters.Load(t._folder, "norms");
            adapters.Route(new TokenBatch([1, 2], [1, 1]), ["norms", null]);
        },

        [ErrorCodes.TuningNeedsText] = _ => new PromptTuningOptions().Create().Apply(
            VisionModel.Create(ModelConfig.From(JsonDocument.Parse("""{ "model_type": "cifar-resnet", "depth": 8 }""").RootElement.Clone(), "config.json"), outputs: 2, seed: 0), 0),

        [ErrorCodes.MergeMismatch] = t =>
        {
            foreach ((string folder, HeadChoice head) in new[] { ("base", HeadChoice.Language), ("tuned", HeadChoice.Classification(2)) })
            {
                WeightFiles.SaveModel(TinyModel(head), Directory.CreateDirectory(t.At(folder)).FullName, companions: null);
            }

            WeightMix.Interpolate(t.At("base"), t.At("tuned"), 0.5);
        },

        [ErrorCodes.GenerationModelUnsuitable] = _ => new TextGenerator(TinyModel(HeadChoice.Classification(2)), tokenizer: null),
        [ErrorCodes.GenerationPromptTooLong] = _ => Generate(Enumerable.Repeat(1, 16)),
        [ErrorCodes.GenerationPromptInvalid] = _ => Generate([1, 12]),
        [ErrorCodes.GenerationLogitsInvalid] = _ => Generate([1], logits => logits[3] = float.NaN),
        [ErrorCodes.GenerationNoTokenLeft] = _ => Generate([1], logits => logits.Fill(float.NegativeInfinity)),

        [ErrorCodes.MetricEmpty] = _ => new Accuracy().Compute(ClassPredictions.FromLabels([], [], ["ham", "spam"])),
        [ErrorCodes.MetricWrongKind] = _ => new MeanAbsoluteError().Compute(ClassPredictions.FromLabels([0], [1], ["ham", "spam"])),
        [ErrorCodes.MetricNotFinite] = _ => ClassPredictions.FromLogits([0], new float[,] { { 0.5f, float.NaN } }, ["ham", "spam"]),
        [ErrorCodes.MetricUnknown] = _ => BuiltInMetrics.Find("acuracy"),

        [ErrorCodes.ImageFileUnreadable] = _ => ImageFile.Decode([.. "GIF89a"u8], "ant.gif"),
        [ErrorCodes.ImageTruncated] = _ => ImageFile.Decode(PngWriter.Encode(new Image(2, 2, 1))[..40], "ant.png"),
        [ErrorCodes.ImageInvalid] = _ =>
        {
            byte[] png = PngWriter.Encode(new Image(2, 2, 1));
            png[42] ^= 1;
            ImageFile.Decode(png, "ant.png");
        },
        [ErrorCodes.ImageUnsupported] = _ => ImageFile.Decode([0xFF, 0xD8, 0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4, .. new byte[12]], "ant.jpg"),
        [ErrorCodes.ImageTooLarge] = _ => ImageFile.Decode([0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0xEA, 0x60, 0xEA, 0x60, 1, 1, 0x11, 0], "ant.jpg"),
        [ErrorCodes.ImageSetInvalid] = t =>
        {
            File.WriteAllBytes(t.At("t10k-images-idx3-ubyte"), [0, 0, 0x0D, 3]);
            ImageSet.Read(t.At("t10k-images-idx3-ubyte"));
        },
        [ErrorCodes.ImageFolderInvalid] = t =>
        {
            Directory.CreateDirectory(t.At("train/ants"));
            ImageSet.Read(t.At("train"));
        },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("hieno-errors-").FullName;

    public static TheoryData<string> Codes => [.. s_causes.Keys];

    [Theory]
    [MemberData(nameof(Codes))]
    public void The_example_of_an_error_page_is_what_is_printed(string code)
    {
        HienoException error = Assert.ThrowsAny<HienoException>(() => s_causes[code](this));
        Assert.Equal(code, error.Code);
        string message = Unique().Replace(error.Message, "-4f0c9a1e").Replace(_folder + Path.DirectorySeparatorChar, string.Empty, StringComparison.Ordinal);
        string page = $"docs/errors/{code}.md";
        string text = Repository.Text(page);
        string shown = Example().Match(text).Groups["text"].Value;
        bool same = shown.EndsWith(" …", StringComparison.Ordinal) // a list that grows with the product
            ? message.StartsWith(shown[..^1], StringComparison.Ordinal)
            : message == shown;
        if (!same && Repository.Accepts)
        {
            File.WriteAllText(Repository.PathOf(page), text.Replace(shown, message, StringComparison.Ordinal));
            return;
        }

        Assert.True(same, $"{page} shows\n{shown}\nbut what is printed is\n{message}\nHIENO_ACCEPT=1 writes it into the page; read the rest of the page again.");
    }

    [Fact]
    public void The_examples_that_are_not_provoked_here_end_as_the_source_says()
    {
        string source = string.Concat(Repository.Sources("src").Select(Repository.Text));
        foreach (string code in typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!).Except(s_causes.Keys))
        {
            string shown = Example().Match(Repository.Text($"docs/errors/{code}.md")).Groups["text"].Value.TrimEnd('.');
            Assert.True(source.Contains(shown[^Math.Min(30, shown.Length)..], StringComparison.Ordinal), $"docs/errors/{code}.md: no source file has the end of\n{shown}");
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private void Write(string name, string text) => File.WriteAllText(At(name), text);

    private void WriteInto(string folder, string name)
    {
        Directory.CreateDirectory(At(folder));
        Write($"{folder}/{name}", "{}");
    }

    private void WriteWeights(string header, long? length = null, int data = 0)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(At("model.safetensors"), [.. BitConverter.GetBytes(length ?? text.Length), .. text, .. new byte[data]]);
    }

    private void Weights(string header, long? length = null, int data = 0)
    {
        WriteWeights(header, length, data);
        SafetensorsFile.Open(At("model.safetensors")).Dispose();
    }

    private void Entry(string dtype, Action<CheckpointFiles> read)
    {
        WriteWeights($$$"""{"score.weight":{"dtype":"{{{dtype}}}","shape":[2],"data_offsets":[0,8]}}""", data: 8);
        using var files = CheckpointFiles.Open(At("model.safetensors"));
        read(files);
    }

    private ModelConfig Config(string json)
    {
        Write("config.json", json);
        return ModelConfig.Read(At("config.json"));
    }

    private void Rows(string name, string text)
    {
        Write(name, text);
        _ = DataFile.Read(At(name)).ToList();
    }

    private DataRow Row(string json)
    {
        Write("train.jsonl", json);
        return DataFile.Read(At("train.jsonl")).Single();
    }

    private void Recipe(string yaml)
    {
        Write("recipe.yaml", yaml);
        Recipes.Recipe.Load(At("recipe.yaml"));
    }

    private static void Render(string template, ChatTemplateOptions? options = null) =>
        ChatTemplate.Parse(template, "chat_template.jinja", options).RenderMessages([new ChatMessage("user", "Hi")], addGenerationPrompt: false);

    private static void Generate(IEnumerable<int> prompt, SpanAction? change = null) =>
        new TextGenerator(TinyModel(), tokenizer: null) { Processors = change is null ? null : () => [new Change(change)] }.Generate([new GenerationPrompt([.. prompt])]);

    private static TextModel TinyModel(HeadChoice? head = null)
    {
        using JsonDocument config = JsonDocument.Parse(Gpt2Config);
        return TextModel.Create(ModelConfig.From(config.RootElement.Clone(), "config.json"), head ?? HeadChoice.Language, 0);
    }

    [GeneratedRegex("```text\n(?<text>.*?)\n```", RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Example();

    private delegate void SpanAction(Span<float> logits);

    private sealed class Change(SpanAction change) : ILogitsProcessor
    {
        public void Process(TokenHistory history, Span<float> logits) => change(logits);
    }

    // What a temporary name ends in.
    [GeneratedRegex("(?<=tmp-[^']*)-[0-9a-f]{8}", RegexOptions.CultureInvariant)]
    private static partial Regex Unique();
}
