using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models;
using Hieno.Models.Layers;
using Hieno.Tensors;

namespace Hieno.Tuning;

/// <summary>The tensors of a saved adapter, and the places of a model that their names mean.</summary>
public sealed class AdapterWeights
{
    private readonly PretrainedModel _model;
    private readonly CheckpointFiles _files;
    private readonly string _prefix;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    internal AdapterWeights(PretrainedModel model, CheckpointFiles files, string prefix) => (_model, _files, _prefix) = (model, files, prefix);

    /// <summary>The file.</summary>
    public string Path => _files.Path;

    /// <summary>The names of the tensors that have not been taken yet, as in the file.</summary>
    public IEnumerable<string> Remaining => _files.Entries.Keys.Where(key => !_taken.Contains(key));

    /// <summary>Paths of the modules for which the file has a tensor with this last part, e.g. <c>lora_A.weight</c>.</summary>
    public IEnumerable<string> PathsWith(string name) =>
        Remaining.Where(key => key.EndsWith("." + name, StringComparison.Ordinal)).Select(key => WithoutPrefix(key[..^(name.Length + 1)])).ToArray();

    /// <summary>True when the file has this tensor.</summary>
    /// <param name="path">The module's path as <see cref="PathsWith"/> gives it.</param>
    /// <param name="name">The tensor's last part.</param>
    public bool Has(string path, string name) => Find($"{path}.{name}") is not null;

    /// <summary>True when the file has a tensor of exactly this name.</summary>
    public bool Has(string name) => _files.Entries.ContainsKey(name);

    /// <summary>The extents of a tensor, for methods whose settings do not tell them.</summary>
    /// <exception cref="CheckpointException">There is no such tensor.</exception>
    public int[] ShapeOf(string path, string name) =>
        Array.ConvertAll(_files.Require(Find($"{path}.{name}") ?? $"{_prefix}{path}.{name}").Shape, extent => checked((int)extent));

    /// <summary>Reads the tensor of a module.</summary>
    /// <param name="path">The module's path as <see cref="PathsWith"/> gives it.</param>
    /// <param name="name">The tensor's last part.</param>
    /// <param name="shape">The shape that the settings imply.</param>
    /// <exception cref="CheckpointException">There is no such tensor, or it has another shape.</exception>
    public Tensor Take(string path, string name, Shape shape) => Take(Find($"{path}.{name}") ?? $"{_prefix}{path}.{name}", shape);

    /// <summary>Reads the tensor of exactly this name.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="shape">The shape that the settings imply.</param>
    /// <exception cref="CheckpointException">There is no such tensor, or it has another shape.</exception>
    public Tensor Take(string name, Shape shape)
    {
        Tensor value = WeightFiles.Read(_files, name, shape, _model.Backend);
        _taken.Add(name);
        return value;
    }

    /// <summary>The module at a path; an adapter that was trained on the bare body leaves the body's prefix out.</summary>
    /// <typeparam name="TModule">What must be there, e.g. <see cref="Linear"/>.</typeparam>
    /// <exception cref="CheckpointException">The model has no such module.</exception>
    public TModule ModuleAt<TModule>(string path)
        where TModule : Module => FindModule<TModule>(path)
            ?? throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, Path, $"the adapter changes the layer '{path}', which this model does not have", "Take the base model that the adapter was trained on");

    /// <summary>As <see cref="ModuleAt"/>, but null where there is none.</summary>
    /// <typeparam name="TModule">What is looked for.</typeparam>
    public TModule? FindModule<TModule>(string path)
        where TModule : Module
    {
        IEnumerable<TModule> modules = _model.Modules().OfType<TModule>();
        return modules.FirstOrDefault(module => module.Path == path) ?? modules.FirstOrDefault(module => module.Path == $"{_model.BasePrefix}.{path}");
    }

    /// <summary>The weight of the model of this name; an adapter that was trained on the bare body leaves the body's prefix out.</summary>
    /// <param name="name">Its path and last part.</param>
    /// <exception cref="CheckpointException">The model has no such weight.</exception>
    public Parameter ParameterAt(string name) => FindParameter(name)
        ?? throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, Path, $"the adapter changes the weight '{name}', which this model does not have", "Take the base model that the adapter was trained on");

    /// <summary>The weight of the model that a tensor is a copy of.</summary>
    /// <exception cref="CheckpointException">The model has no such weight.</exception>
    internal Parameter CopiedBy(string key)
    {
        string name = WithoutPrefix(key).Replace(".modules_to_save.", ".", StringComparison.Ordinal).Replace(PeftFolder.BaseLayer, ".", StringComparison.Ordinal);
        return FindParameter(name)
            ?? throw new CheckpointException(ErrorCodes.CheckpointTensorMissing, Path, $"the adapter holds '{key}', for which this model has no place", "Take the base model and the task that the adapter was trained for") { Tensor = key };
    }

    private Parameter? FindParameter(string name) =>
        _model.Parameters().FirstOrDefault(parameter => parameter.Name == name)
        ?? _model.Parameters().FirstOrDefault(parameter => parameter.Name == $"{_model.BasePrefix}.{name}");

    private string? Find(string name) => Has(_prefix + name) ? _prefix + name : Has(name) ? name : null;

    private string WithoutPrefix(string key) => key.StartsWith(_prefix, StringComparison.Ordinal) ? key[_prefix.Length..] : key;
}
