using Hieno.Formats;
using Hieno.Models;
using Hieno.Optimizers;
using Hieno.Tensors;
using Hieno.Testing;
using Hieno.Tuning;

namespace Hieno.Tests.Tuning;

/// <summary>What holds for every way of tuning that recipes can name, whatever its own tests look at besides.</summary>
public sealed class InvariantsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A method on a model of two blocks of width 16 (see <see cref="TinyTuning"/>).</summary>
    /// <param name="Options">Its settings.</param>
    /// <param name="Count">How many numbers learn of the Llama (of the BERT for methods that need offsets), worked out by hand.</param>
    /// <param name="Start">How far the first step may lie from the base model, 0 means bit for bit; null where the method does not promise it.</param>
    /// <param name="Share">The share of the first loss that training must go below. Virtual tokens and edits can do little for a base that knows nothing.</param>
    /// <param name="Rate">The rate that does it in 40 steps.</param>
    private sealed record Case(TuningOptions Options, long Count, double? Start = 0, float Share = 0.7f, double Rate = 0.05);

    // Weights of the Llama: 640 in each table, 768 + 1152 + 32 in each block (attention, feed-forward layers, norms), 16 in the last norm.
    private static readonly Dictionary<string, Case> s_cases = new(StringComparer.Ordinal)
    {
        ["full"] = new(new FullOptions(), 640 + (2 * 1952) + 16 + 640, Rate: 0.02),
        ["partial"] = new(new PartialOptions { Parts = [TuningPart.Ffn], TrainHead = false }, 2 * 1152),
        ["head"] = new(new HeadOptions(), 640),
        ["lora"] = new(new LoRAOptions(), 2 * 8 * (32 + 24)),
        ["adalora"] = new(new AdaLoRAOptions(), 2 * 12 * (33 + 25)),
        ["preset"] = new(new PresetOptions { Units = ["ffn.0"], Norms = false, TrainHead = false }, 1152),
        ["angle"] = new(new FineTunedAngleOptions { Budget = 1, Norms = false, TrainHead = false }, 1152), // of a model in which ffn.1 moved
        ["bitfit"] = new(new BitFitOptions { TrainHead = false }, (2 * ((4 * 16) + 24 + 16 + 32)) + 16, Share: 0.9f),
        ["norms"] = new(new NormsOptions { TrainHead = false }, 5 * 16),
        ["fisher-norms"] = new(new FisherNormsOptions { Keep = 0.5, TrainHead = false }, 5 * 16 / 2, Share: 0.85f),
        ["random-mask"] = new(new RandomMaskOptions { Keep = 0.25, TrainHead = false }, (640 + (2 * 1952) + 16) / 4),
        ["ia3"] = new(new IA3Options(), 2 * (8 + 8 + 24), Rate: 0.2),
        ["ln-tuning"] = new(new LnTuningOptions(), 5 * 16, Rate: 0.1),
        ["vera"] = new(new VeRAOptions { Rank = 6 }, 2 * (6 + 16 + 6 + 8), Share: 0.9f, Rate: 0.1),
        ["loha"] = new(new LoHaOptions(), 2 * 2 * 8 * (32 + 24)),
        ["lokr"] = new(new LoKrOptions(), 2 * (16 + 16 + 8 + 16)), // 16 = 4·4, 8 = 2·4
        ["prompt-tuning"] = new(new PromptTuningOptions { VirtualTokens = 4 }, 4 * 16, Start: null, Share: 0.95f),
        ["multitask-prompt"] = new(new MultitaskPromptOptions { VirtualTokens = 4, Tasks = ["a", "b"] }, (4 * 16) + (2 * (4 + 16)), Start: null, Share: 0.95f),
        ["p-tuning"] = new(new PTuningOptions { VirtualTokens = 4, EncoderWidth = 12 }, (4 * 16) + (17 * 12) + (13 * 12) + (13 * 16), Start: null, Share: 0.95f, Rate: 0.02),
        ["prefix-tuning"] = new(new PrefixTuningOptions { VirtualTokens = 4 }, 4 * 2 * 2 * 8, Start: null, Share: 0.95f),
        ["oft"] = new(new OFTOptions { BlockSize = 4 }, 2 * 2 * 4 * 6, Start: 1e-5, Share: 0.9f, Rate: 0.1),
        ["boft"] = new(new BOFTOptions(), 2 * ((2 * 4 * 16) + 16 + 8), Start: 1e-5, Share: 0.9f, Rate: 0.1),
        ["hra"] = new(new HRAOptions { Rank = 4 }, 2 * 2 * 4 * 16, Start: 1e-5, Share: 0.9f, Rate: 0.1),
        ["fourierft"] = new(new FourierFTOptions { Frequencies = 60, Scaling = 50, ZeroStart = true }, 2 * 2 * 60, Share: 0.9f, Rate: 0.1),
        ["vblora"] = new(new VBLoRAOptions { Rank = 2, Vectors = 8, VectorLength = 8 }, (8 * 8) + (2 * 8 * 2 * (2 + 2 + 2 + 1)), Start: 0.05, Share: 0.9f, Rate: 0.1),
        ["llama-adapter"] = new(new LlamaAdapterOptions { PromptLength = 4 }, 2 * ((4 * 16) + 1), Share: 0.95f),
        ["bottleneck"] = new(new BottleneckOptions { Reduction = 4 }, 2 * ((2 * 4 * 16) + 4 + 16)),
        ["reft"] = new(new ReftOptions { Rank = 2, FirstTokens = 1, LastTokens = 2 }, 2 * 2 * ((2 * 2 * 16) + 2), Start: null, Share: 0.98f),
        ["ladder"] = new(new LadderOptions { Reduction = 2 }, (2 * ((4 * 8 * 8) + (3 * 8 * 12) + 16)) + 8 + (3 * 8 * 16) + 2 + (16 * 8), Start: null),
        ["several"] = new(new SeveralOptions { Methods = [new LoRAOptions(), new NormsOptions { TrainHead = false }] }, (2 * 8 * (32 + 24)) + (5 * 16)),
        ["block-expansion"] = new(new BlockExpansionOptions(), 768 + 1152 + 32, Rate: 0.02),
    };

    public static TheoryData<string> Kinds => [.. s_cases.Keys];

    public static TheoryData<string, string> KindsAndFamilies
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string kind in s_cases.Keys)
            {
                foreach (string family in (string[])["bert", "gpt2", "llama"])
                {
                    // No offsets; an output layer that is the token table; blocks that normalise the sum.
                    bool cannot = (kind, family) is ("bitfit", "llama") or ("head", "bert" or "gpt2") or ("block-expansion", "bert");
                    if (!cannot)
                    {
                        cases.Add(kind, family);
                    }
                }
            }

            return cases;
        }
    }

    [Fact]
    public void Every_kind_of_tuning_is_among_the_cases()
    {
        string[] elsewhere = ["visual-prompt"]; // it needs a model of pictures: VisualPromptTuningTests
        Assert.Equal(BuiltIns.Kinds().KindsOf(typeof(TuningOptions)).Select(kind => kind.Key).Except(elsewhere).Order(StringComparer.Ordinal), s_cases.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(KindsAndFamilies))]
    public void The_first_step_starts_from_the_base_model_where_that_is_promised(string kind, string family)
    {
        float[] before = TinyTuning.Output(TinyTuning.Language(family));
        float[] after = TinyTuning.Output(Apply(kind, family).Text());
        Assert.Equal(before.Length, after.Length); // virtual tokens have no output
        if (s_cases[kind].Start is { } difference)
        {
            TensorAssert.Close(before, Tensor.FromValues([after.Length], after), absolute: difference, relative: 0);
        }
        else
        {
            Assert.NotEqual(before, after);
        }
    }

    [Theory]
    [MemberData(nameof(KindsAndFamilies))]
    public void Training_lowers_the_loss_and_leaves_every_frozen_number_bit_for_bit(string kind, string family)
    {
        TunedModel tuned = Apply(kind, family);
        Dictionary<string, float[]> before = TinyTuning.Weights(tuned.Text());
        Dictionary<Parameter, float[]> constants = tuned.Model.AttachedParts().SelectMany(part => part.Constants).Distinct().ToDictionary(weight => weight, weight => weight.Value.ToArray());
        float[] losses = Train(tuned, steps: 40, s_cases[kind].Rate);
        Assert.True(losses[^1] < s_cases[kind].Share * losses[0], $"{losses[0]} fell to {losses[^1]} only");

        foreach (Parameter parameter in tuned.Model.Parameters())
        {
            float[] now = parameter.Base.ToArray();
            bool learns = tuned.Adapter is null && parameter.Trainable;
            long changed = now.Zip(before[parameter.Name]).Count(pair => BitConverter.SingleToInt32Bits(pair.First) != BitConverter.SingleToInt32Bits(pair.Second));
            long most = !learns ? 0 : tuned.Masks.FirstOrDefault(mask => mask.Parameter == parameter)?.LearningCount ?? parameter.Count;
            Assert.True(changed <= most, $"{parameter.Name}: {changed} of {now.Length} numbers changed, {most} may");
        }

        Assert.All(constants, item => Assert.Equal(item.Value, item.Key.Value.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void As_many_numbers_learn_as_worked_out_by_hand(string kind) =>
        Assert.Equal(s_cases[kind].Count, Apply(kind, kind == "bitfit" ? "bert" : "llama").TrainableCount);

    [Theory]
    [MemberData(nameof(KindsAndFamilies))]
    public void What_is_saved_gives_the_same_output_on_a_fresh_model(string kind, string family)
    {
        TunedModel tuned = Apply(kind, family);
        Train(tuned, steps: 3, s_cases[kind].Rate);
        float[] output = TinyTuning.Output(tuned.Text());
        TextModel fresh;
        if (tuned.Adapter is { } adapter)
        {
            PeftFolder.Save(adapter, _folder.Path, "base");
            fresh = TinyTuning.Language(family);
            PeftFolder.Load(fresh, _folder.Path);
            ChooseTask(fresh);
        }
        else
        {
            WeightFiles.SaveModel(tuned.Model, _folder.Path, companions: null);
            fresh = TextModel.Load(_folder.Path, HeadChoice.Language);
        }

        // An encoder of virtual tokens is saved as what it gives, an orthonormal matrix as itself, and triplets that are zero are left out.
        TensorAssert.Close(output, Tensor.FromValues([output.Length], TinyTuning.Output(fresh)), absolute: kind is "p-tuning" or "reft" or "adalora" ? 1e-5 : 0, relative: 0);
    }

    [Theory]
    [MemberData(nameof(KindsAndFamilies))]
    public void An_adapter_is_the_base_model_when_off_and_merged_it_gives_its_own_output_or_says_why_not(string kind, string family)
    {
        TunedModel tuned = Apply(kind, family);
        if (tuned.Adapter is not { } adapter)
        {
            return; // the model's own weights learn: there is nothing to switch off
        }

        float[] before = TinyTuning.Output(TinyTuning.Language(family));
        Dictionary<string, float[]> weights = TinyTuning.Weights(tuned.Text());
        Train(tuned, steps: 5, rate: 0.02);
        float[] apart = TinyTuning.Output(tuned.Text());
        adapter.Enable(false);
        Assert.Equal(before, TinyTuning.Output(tuned.Text()));
        adapter.Enable(true);
        Assert.Equal(apart, TinyTuning.Output(tuned.Text()));

        if (kind is "prompt-tuning" or "multitask-prompt" or "p-tuning" or "prefix-tuning" or "llama-adapter" or "bottleneck" or "reft" or "ladder")
        {
            Assert.Equal(ErrorCodes.TuningCannotMerge, Assert.Throws<TuningException>(adapter.Merge).Code);
            return;
        }

        MergedAdapter merged = adapter.Merge();
        Assert.Empty(tuned.Model.AttachedParts());
        TensorAssert.Close(apart, Tensor.FromValues([apart.Length], TinyTuning.Output(tuned.Text())), absolute: 1e-4);
        merged.Unmerge();
        Assert.Equal(weights, TinyTuning.Weights(tuned.Text()));
        Assert.Equal(apart, TinyTuning.Output(tuned.Text()));
    }

    [Theory]
    [MemberData(nameof(TinyTuning.Families), MemberType = typeof(TinyTuning))]
    public void A_toy_task_is_learned_by_LoRA_as_well_as_by_full_tuning_and_by_DoRA_as_well_as_by_LoRA(string family)
    {
        var lora = new LoRAOptions { Rank = 16, Alpha = 32, Targets = [LayerTargets.AllLinear], ModulesToSave = [family == "bert" ? "classifier" : "score"] };
        double full = ToyAccuracy(family, new FullOptions(), rate: 0.005);
        double low = ToyAccuracy(family, lora, rate: 0.01);
        double apart = ToyAccuracy(family, lora with { Dora = true }, rate: 0.01);
        Assert.True(full > 0.9, $"full {full}");
        Assert.True(low >= 0.95 * full, $"LoRA {low}, full {full}");
        Assert.True(apart >= low - 0.01, $"DoRA {apart}, LoRA {low}");
    }

    // Of six tokens one is 0, 1 or 2, which is the class: the accuracy on rows that were not learned from.
    private static double ToyAccuracy(string family, TuningOptions options, double rate)
    {
        const int Rows = 240;
        const int Length = 6;
        float[] drawn = new float[2 * Rows * (Length + 1)];
        new Rng(11, RngStream.DataOrder).FillUniform(drawn, 0f, 1f, step: 0);
        int[] ids = [.. Enumerable.Range(0, 2 * Rows * Length).Select(i => 3 + (int)(drawn[i] * 37))];
        int[] classes = [.. Enumerable.Range(0, 2 * Rows).Select(row => row % 3)];
        for (int row = 0; row < 2 * Rows; row++)
        {
            ids[(row * Length) + (int)(drawn[(2 * Rows * Length) + row] * Length)] = classes[row];
        }

        TokenBatch Batch(int start) => new(ids[(start * Length)..((start + Rows) * Length)], [.. Enumerable.Repeat(Length, Rows)]);
        TunedModel tuned = options.Create().Apply(TinyTuning.Classifier(family), seed: 3);
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, tuned.Text().Backbone.Blocks.Count, weightDecay: 0));
        for (int step = 0; step < 300; step++)
        {
            foreach (Parameter parameter in tuned.Trainable)
            {
                parameter.Value.ClearGrad();
            }

            using var tape = Tape.Begin();
            tape.Backward(Ops.CrossEntropy(tuned.Text().Classify(Batch(0)), classes[..Rows], scale: 1f / Rows));
            optimizer.Step(rate, gradientScale: 1);
        }

        using var measured = Tape.Begin(record: false);
        float[][] outputs = [.. tuned.Text().Classify(Batch(Rows)).ToArray().Chunk(TinyTuning.Classes)];
        return outputs.Where((output, row) => Array.IndexOf(output, output.Max()) == classes[Rows + row]).Count() / (double)Rows;
    }

    private TunedModel Apply(string kind, string family)
    {
        TuningOptions options = s_cases[kind].Options;
        if (options is FineTunedAngleOptions angle)
        {
            TextModel turned = TinyTuning.Language(family);
            TinyTuning.Train(new PresetOptions { Units = ["ffn.1"], Norms = false, TrainHead = false }.Create().Apply(turned, seed: 0), steps: 2);
            options = angle with { Tuned = Directory.CreateDirectory(_folder.PathOf("turned")).FullName };
            WeightFiles.SaveModel(turned, _folder.PathOf("turned"), companions: null);
        }

        ITuningMethod method = options.Create();
        TunedModel tuned = method.Apply(TinyTuning.Language(family), seed: 3);
        (method as IPreparedMethod)?.Prepare(tuned, new PreparationRows(3, _ => TinyTuning.Loss(tuned.Text()), _folder.Path, IsResumed: false, _ => { }));
        ChooseTask(tuned.Text());
        return tuned;
    }

    // The rows of these tests name no task.
    private static void ChooseTask(TextModel model)
    {
        foreach (MultitaskPromptVectors prompt in model.AttachedParts().OfType<MultitaskPromptVectors>())
        {
            prompt.Task = prompt.Tasks[0];
        }
    }

    // As the trainer does it, with weight decay, which must not reach what is frozen.
    private static float[] Train(TunedModel tuned, int steps, double rate)
    {
        IOptimizer optimizer = new AdamWOptions().Create(OptimizedParameter.Create(tuned.Trainable, tuned.Text().Backbone.Blocks.Count, weightDecay: 0.01));
        StepRule? rule = tuned.StepRule;
        rule?.Begin(steps);
        float[] losses = new float[steps];
        for (int step = 0; step < steps; step++)
        {
            losses[step] = TinyTuning.Differentiate(tuned);
            rule?.AddGradient();
            foreach (ElementMask mask in tuned.Masks)
            {
                mask.MaskGradient();
            }

            optimizer.Step(rate, gradientScale: 1);
            rule?.AfterStep(step + 1, gradientScale: 1);
            foreach (ElementMask mask in tuned.Masks)
            {
                mask.RestoreValues();
            }
        }

        return losses;
    }
}
