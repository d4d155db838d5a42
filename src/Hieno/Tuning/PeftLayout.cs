using Hieno.Formats.Peft;
using Hieno.Models;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>How adapters of one method lie in PEFT's files. Whole weights saved beside the parts are read and written for all methods alike.</summary>
public abstract class PeftLayout
{
    /// <summary><c>peft_type</c>: PEFT's name of the method, in capitals. Methods that PEFT does not know choose one of their own.</summary>
    public abstract string PeftType { get; }

    /// <summary>What the names of a file's tensors begin with. Default: <c>base_model.model.</c>, as PEFT has it for all but prompts.</summary>
    public virtual string Prefix => "base_model.model.";

    /// <summary>Reads the settings of a saved adapter.</summary>
    /// <param name="config">Its configuration; <see cref="PeftAdapterConfig.Settings"/> reads keys with checks.</param>
    /// <exception cref="Formats.CheckpointException">A value is out of range, or asks for something that is not applied here.</exception>
    public abstract AdapterOptions ReadOptions(PeftAdapterConfig config);

    /// <summary>Attaches the parts of a saved adapter.</summary>
    /// <param name="adapter">The adapter; <see cref="Adapter.Source"/> is its configuration.</param>
    /// <param name="weights">Its tensors; those that are not taken are read as whole weights of the model afterwards.</param>
    /// <exception cref="Formats.CheckpointException">The adapter does not fit the model.</exception>
    public abstract void ReadParts(Adapter adapter, AdapterWeights weights);

    /// <summary>The configuration of an adapter that was made here. Base model and task are filled in by the caller.</summary>
    public abstract PeftAdapterConfig Describe(Adapter adapter);

    /// <summary>What is written of the adapter's parts, each with its name in the file. Default: all their weights that have one.</summary>
    /// <param name="adapter">The adapter.</param>
    public virtual IEnumerable<(string Name, Parameter Parameter, Tensor Value)> PartTensors(Adapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        return adapter.PartWeights().Where(weight => NameOf(weight) is not null).Select(weight => (NameOf(weight)!, weight, weight.Value));
    }

    /// <summary>The name in the file of a weight of the adapter's parts, or null for one that is not written. Default: <see cref="Prefix"/> and its own name.</summary>
    public virtual string? NameOf(Parameter weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return Prefix + weight.Name;
    }

    /// <summary>The name in the file of a weight of the model that is trained whole, or null for PEFT's usual one. Default: null.</summary>
    public virtual string? NameOfCopy(Parameter parameter) => null;
}
