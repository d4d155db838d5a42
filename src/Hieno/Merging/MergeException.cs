using Hieno.Formats;

namespace Hieno.Merging;

/// <summary>Models or adapters do not fit each other, so their weights cannot be combined.</summary>
public sealed class MergeException(string who, string fact, string advice) : HienoException(ErrorCodes.MergeMismatch, who, fact, advice);
