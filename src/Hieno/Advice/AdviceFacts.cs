namespace Hieno.Advice;

/// <summary>What advice is drawn from: a run's facts, what the base knows of the task, and what the machine bears.</summary>
internal sealed record AdviceFacts
{
    public required RunFacts Run { get; init; }

    /// <summary>Null where the model starts at random and so knows nothing, or the task has no measure.</summary>
    public required Similarity? Similarity { get; init; }

    /// <summary>The memory of a way of tuning (<c>full</c>, <c>lora</c>, …) with a batch size, with or without gradient checkpointing; null where it cannot be predicted.</summary>
    public required Func<string, int, bool, MemoryForecast?> Memory { get; init; }

    /// <summary>Bytes that the machine has free.</summary>
    public required long FreeBytes { get; init; }

    /// <summary>The recipe, with the advice so far.</summary>
    public Recipes.Recipe Recipe => Run.Recipe;

    /// <summary>False where a way of tuning is predicted to need more than is free.</summary>
    public bool Fits(string method, int batchSize, bool checkpointing) => Memory(method, batchSize, checkpointing) is not { } forecast || forecast.TotalBytes <= FreeBytes;
}
