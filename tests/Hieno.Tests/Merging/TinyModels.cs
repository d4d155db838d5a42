using Hieno.Models;
using Hieno.Tensors;
using Hieno.Tests.Tuning;
using Hieno.Tuning;

namespace Hieno.Tests.Merging;

/// <summary>Saved models of a few thousand weights that differ by noise, as tunings of one base do.</summary>
internal static class TinyModels
{
    /// <summary>Saves the tiny model, with noise of its own for every seed but 0.</summary>
    public static string Save(TemporaryFolder folder, string name, ulong seed, string family = "gpt2", bool classifier = false)
    {
        TextModel model = classifier ? TinyTuning.Classifier(family) : TinyTuning.Language(family);
        foreach (Parameter parameter in model.Parameters().Where(_ => seed > 0))
        {
            float[] values = parameter.Base.ToArray();
            float[] noise = new float[values.Length];
            new Rng(seed, RngStream.Augmentation).FillNormal(noise, 0, 0.05f, (ulong)parameter.Name.Length);
            parameter.Base.Backend.CopyFromHost([.. values.Zip(noise, (value, more) => value + more)], parameter.Base);
        }

        WeightFiles.SaveModel(model, folder.Folder(name), companions: null);
        string words = string.Join(",", Enumerable.Range(0, TinyTuning.Vocabulary).Select(id => $"\"w{id}\":{id}"));
        folder.Write($"{name}/tokenizer.json", """{"model":{"type":"WordLevel","vocab":{WORDS},"unk_token":"w0"}}""".Replace("WORDS", words, StringComparison.Ordinal));
        return folder.PathOf(name);
    }

    public static TextModel Open(string folder) => LoadedModel.Open(folder).Text;

    public static Dictionary<string, float[]> Weights(string folder) => TinyTuning.Weights(Open(folder));
}
