namespace Hieno.Metrics;

/// <summary>What precision, recall and F take where their denominator is 0, e.g. the precision of a label that was never predicted.</summary>
public enum ZeroDivision
{
    /// <summary>0, with a warning. The default, as in scikit-learn.</summary>
    Zero,

    /// <summary>1, with a warning.</summary>
    One,

    /// <summary>NaN, with a warning; averages over labels leave the label out.</summary>
    NaN,
}
