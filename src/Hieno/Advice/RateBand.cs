using System.Globalization;
using Hieno.Optimizers;
using Hieno.Recipes;
using Hieno.Tuning;

namespace Hieno.Advice;

/// <summary>The learning rates that are usual for a method, an optimizer and a width.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
/// <param name="Source">Where the ends come from.</param>
internal sealed record RateBand(double Low, double High, string Source)
{
    private const int PaperWidth = 768; // of BERT base and GPT-2, for which the papers' rates were found

    /// <summary>
    /// The band of a run; null for an optimizer whose scale is not known here. Papers give rates for models of width 768 and more; narrower ones want
    /// higher rates, by (768 / width)^1.5, which is Hieno's own rule (docs/advise.md has what it gives on the bundled models).
    /// </summary>
    public static RateBand? Of(RunFacts facts)
    {
        if (OptimizerScale(facts.Recipe.Training.Optimizer) is not { } scale)
        {
            return null;
        }

        RateBand band = facts.Recipe.Start == Start.Random ? Pretraining : OfMethod(facts.Recipe.Tuning);
        double narrow = facts.Width < PaperWidth && facts.Recipe.Tuning is not HeadOptions ? Math.Pow((double)PaperWidth / facts.Width, 1.5) : 1;
        string more = (narrow > 1 ? $"; [D] ours: higher by (768 / {facts.Width})^1.5" : string.Empty) + (scale != 1 ? $"; [D] ours: {scale} times AdamW's for {facts.Optimizer}" : string.Empty);
        return new RateBand(Rounded(band.Low * narrow * scale), Rounded(band.High * narrow * scale), band.Source + more);
    }

    /// <summary>The middle of the band, on a logarithmic scale.</summary>
    public double Middle => Rounded(Math.Sqrt(Low * High));

    private static RateBand Pretraining => new(6e-5, 6e-4, "Brown et al. 2020 (2005.14165), table 2.1, pretraining");

    private static RateBand OfMethod(TuningOptions tuning) => tuning switch
    {
        HeadOptions => new(1e-3, 3e-2, "[D] ours: an output layer on fixed features bears high rates"),
        LoRAOptions => new(1e-4, 4e-4, "Hu et al. 2021 (2106.09685), appendix D: 2e-4 for GPT-2, 5e-4 and less for RoBERTa"),
        IA3Options => new(1e-3, 1e-2, "Liu et al. 2022 (2205.05638): 3e-3; the width of the band is [D] ours"),
        BottleneckOptions => new(3e-5, 3e-3, "Houlsby et al. 2019 (1902.00751), section 3: 3e-5, 3e-4, 3e-3"),
        BitFitOptions or NormsOptions or FisherNormsOptions or LnTuningOptions => new(1e-4, 1e-2, "[D] ours: few weights bear high rates"),
        ReftOptions => new(3e-4, 5e-3, "Wu et al. 2024 (2404.03592): 6e-4 and 9e-4; the width of the band is [D] ours"),
        _ when tuning.DefaultLearningRate <= 2e-5 => new(1e-5, 5e-5, "Devlin et al. 2018 (1810.04805), appendix A.3: 2e-5, 3e-5, 5e-5"),
        _ => new(tuning.DefaultLearningRate / 3, tuning.DefaultLearningRate * 3, "[D] ours: a third to three times the method's default"),
    };

    // AdamW's step has the size of the rate; gradient descent's that of the gradient too, which is small. Steps of Rprop, Adadelta and
    // of Adafactor with a step of its own have a size of their own, which the rate only multiplies.
    private static double? OptimizerScale(OptimizerOptions optimizer) => optimizer switch
    {
        SgdOptions { Momentum: > 0 } => 100,
        SgdOptions => 1000,
        GaLoreOptions galore => OptimizerScale(galore.Inner),
        AdadeltaOptions or RpropOptions or AdafactorOptions { RelativeStep: true } => null,
        _ when optimizer.GetType().Assembly == typeof(RateBand).Assembly => optimizer.DefaultLearningRate(1),
        _ => null, // someone else's
    };

    // To two digits, as the nearest number that can be written so.
    private static double Rounded(double rate) => double.Parse(rate.ToString("e1", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
