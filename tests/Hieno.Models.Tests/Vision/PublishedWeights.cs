using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Models.Vision;
using Hieno.Tests.Shared;

namespace Hieno.Models.Tests.Vision;

/// <summary>A model folder of a weights file that comes without a <c>config.json</c>: a copy of the file and the configuration that a user writes.</summary>
internal sealed class PublishedWeights : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hieno-vision-");

    /// <summary>Lays out the folder.</summary>
    /// <param name="file">The weights, under the shared folder.</param>
    /// <param name="config">The content of <c>config.json</c>.</param>
    public PublishedWeights(string file, string config)
    {
        string source = SharedFolder.Require(file);
        File.WriteAllText(Path.Combine(_folder.FullName, ModelConfig.FileName), config);
        string name = Path.GetExtension(file) == ".safetensors" ? CheckpointFiles.SingleFileName : CheckpointFiles.TorchFileName;
        File.WriteAllBytes(Path.Combine(_folder.FullName, name), File.ReadAllBytes(source));
    }

    /// <summary>Opens it.</summary>
    public VisionModel Load(int outputs) => VisionModel.Load(_folder.FullName, outputs);

    public void Dispose() => _folder.Delete(recursive: true);
}
