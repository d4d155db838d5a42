using Hieno.Formats;

namespace Hieno.Training;

/// <summary>A run cannot start or cannot go on.</summary>
public sealed class TrainingException(string code, string who, string fact, string advice, Exception? inner = null)
    : HienoException(code, who, fact, advice, inner);
