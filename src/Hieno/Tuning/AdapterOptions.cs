namespace Hieno.Tuning;

/// <summary>Settings of a method that leaves the model's weights frozen and trains an adapter beside them, saved in a folder of its own.</summary>
public abstract record AdapterOptions : TuningOptions
{
    /// <summary>Endings of the names of modules that are trained whole and saved with the adapter. A new task's head always is. Default: none.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>What the adapter is called while it is made; one of several methods gives its own.</summary>
    internal string AdapterName { get; init; } = Adapter.DefaultName;

    /// <inheritdoc/>
    protected internal override double DefaultLearningRate => 2e-4;

    /// <summary>How adapters of this method are read and written.</summary>
    protected internal abstract PeftLayout Layout { get; }
}
