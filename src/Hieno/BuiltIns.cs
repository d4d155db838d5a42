using Hieno.Augmentation;
using Hieno.Objectives;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Schedules;
using Hieno.Tuning;

namespace Hieno;

/// <summary>The one list of all that is built in, by the names that recipes use. A third party adds to it the same way.</summary>
/// <remarks>Model families are listed in <see cref="Models.BuiltInModels"/>, metrics in <see cref="Metrics.BuiltInMetrics"/>, augmentations in <see cref="BuiltInAugmentations"/>.</remarks>
public static class BuiltIns
{
    /// <summary>A catalog of everything; add your own kinds to it.</summary>
    public static KindCatalog Kinds() => BuiltInAugmentations.AddTo(new KindCatalog())
        .Add<ObjectiveOptions, CausalLanguageModelingOptions>("causal-lm")
        .Add<ObjectiveOptions, MaskedLanguageModelingOptions>("masked-lm")
        .Add<ObjectiveOptions, SupervisedFineTuningOptions>("sft")
        .Add<ObjectiveOptions, ClassificationOptions>("classification")
        .Add<ObjectiveOptions, MultiLabelClassificationOptions>("multi-label-classification")
        .Add<ObjectiveOptions, RegressionOptions>("regression")
        .Add<ObjectiveOptions, MultipleChoiceOptions>("multiple-choice")
        .Add<ObjectiveOptions, ImageClassificationOptions>("image-classification")
        .Add<ObjectiveOptions, ImageRegressionOptions>("image-regression")
        .Add<ObjectiveOptions, ImageTextOptions>("image-text")

        .Add<TuningOptions, FullOptions>("full")
        .Add<TuningOptions, PartialOptions>("partial")
        .Add<TuningOptions, HeadOptions>("head")
        .Add<TuningOptions, LoRAOptions>("lora")
        .Add<TuningOptions, AdaLoRAOptions>("adalora")
        .Add<TuningOptions, PresetOptions>("preset")
        .Add<TuningOptions, FineTunedAngleOptions>("angle")
        .Add<TuningOptions, BitFitOptions>("bitfit")
        .Add<TuningOptions, NormsOptions>("norms")
        .Add<TuningOptions, FisherNormsOptions>("fisher-norms")
        .Add<TuningOptions, RandomMaskOptions>("random-mask")
        .Add<TuningOptions, IA3Options>("ia3")
        .Add<TuningOptions, LnTuningOptions>("ln-tuning")
        .Add<TuningOptions, VeRAOptions>("vera")
        .Add<TuningOptions, LoHaOptions>("loha")
        .Add<TuningOptions, LoKrOptions>("lokr")
        .Add<TuningOptions, PromptTuningOptions>("prompt-tuning")
        .Add<TuningOptions, MultitaskPromptOptions>("multitask-prompt")
        .Add<TuningOptions, PTuningOptions>("p-tuning")
        .Add<TuningOptions, PrefixTuningOptions>("prefix-tuning")
        .Add<TuningOptions, OFTOptions>("oft")
        .Add<TuningOptions, BOFTOptions>("boft")
        .Add<TuningOptions, HRAOptions>("hra")
        .Add<TuningOptions, FourierFTOptions>("fourierft")
        .Add<TuningOptions, VBLoRAOptions>("vblora")
        .Add<TuningOptions, LlamaAdapterOptions>("llama-adapter")
        .Add<TuningOptions, BottleneckOptions>("bottleneck")
        .Add<TuningOptions, ReftOptions>("reft")
        .Add<TuningOptions, VisualPromptOptions>("visual-prompt")
        .Add<TuningOptions, LadderOptions>("ladder")
        .Add<TuningOptions, SeveralOptions>("several")
        .Add<TuningOptions, BlockExpansionOptions>("block-expansion")

        .Add<QuantizationOptions, Nf4Options>("nf4")

        .Add<OptimizerOptions, AdamWOptions>("adamw")
        .Add<OptimizerOptions, SgdOptions>("sgd")
        .Add<OptimizerOptions, AdamOptions>("adam")
        .Add<OptimizerOptions, AdamaxOptions>("adamax")
        .Add<OptimizerOptions, NAdamOptions>("nadam")
        .Add<OptimizerOptions, RAdamOptions>("radam")
        .Add<OptimizerOptions, AdadeltaOptions>("adadelta")
        .Add<OptimizerOptions, AdagradOptions>("adagrad")
        .Add<OptimizerOptions, RmsPropOptions>("rmsprop")
        .Add<OptimizerOptions, RpropOptions>("rprop")
        .Add<OptimizerOptions, AsgdOptions>("asgd")
        .Add<OptimizerOptions, LionOptions>("lion")
        .Add<OptimizerOptions, AdafactorOptions>("adafactor")
        .Add<OptimizerOptions, AdamMiniOptions>("adam-mini")
        .Add<OptimizerOptions, AdamW8BitOptions>("adamw-8bit")
        .Add<OptimizerOptions, GaLoreOptions>("galore")

        .Add<ScheduleOptions, ConstantScheduleOptions>("constant")
        .Add<ScheduleOptions, LinearScheduleOptions>("linear")
        .Add<ScheduleOptions, CosineScheduleOptions>("cosine")
        .Add<ScheduleOptions, CosineRestartsScheduleOptions>("cosine-restarts")
        .Add<ScheduleOptions, WsdScheduleOptions>("wsd")
        .Add<ScheduleOptions, InverseSqrtScheduleOptions>("inverse-sqrt")
        .Add<ScheduleOptions, PolynomialScheduleOptions>("polynomial")
        .Add<ScheduleOptions, PlateauScheduleOptions>("plateau")
        .Add<ScheduleOptions, SlantedTriangularScheduleOptions>("slanted-triangular");
}
