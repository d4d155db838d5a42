using System.Runtime.InteropServices;
using Hieno.Formats;
using Hieno.Formats.Safetensors;
using Hieno.Tensors;
using Hieno.Testing;

namespace Hieno.Models.Tests;

public sealed class CheckpointWeightsTests
{
    [Theory]
    [InlineData("gpt2")]
    [InlineData("bert")]
    [InlineData("llama")]
    [InlineData("qwen2")]
    public void Written_model_reads_back_bit_for_bit(string family)
    {
        TextModel model = TinyModels.Create(family);
        using var checkpoint = TinyCheckpoint.Of(model);
        TextModel loaded = checkpoint.Load();
        Assert.Equal(model.Parameters().Select(p => p.Name), loaded.Parameters().Select(p => p.Name));
        foreach ((Parameter expected, Parameter actual) in model.Parameters().Zip(loaded.Parameters()))
        {
            TensorAssert.Identical(expected.Value, actual.Value);
        }

        Assert.Empty(loaded.NewlyInitialized);
        Assert.Empty(loaded.Unused);
    }

    [Fact]
    public void All_faults_come_in_one_message()
    {
        using var checkpoint = TinyCheckpoint.Of(TinyModels.Create("gpt2"));
        checkpoint.Tensors.Remove("transformer.h.0.ln_1.weight");
        checkpoint.Tensors["transformer.h.1.mlp.c_fc.weight"] = ([16, 60], new float[16 * 60]);
        checkpoint.Tensors["transformer.h.7.ln_1.weight"] = ([16], new float[16]);
        var error = Assert.Throws<CheckpointException>(() => checkpoint.Load());
        Assert.Contains("3 tensors do not fit", error.Message, StringComparison.Ordinal);
        Assert.Contains("transformer.h.0.ln_1.weight: the file has no such tensor, config.json implies [16]", error.Message, StringComparison.Ordinal);
        Assert.Contains("transformer.h.1.mlp.c_fc.weight: the file has [16, 60], config.json implies [16, 64]", error.Message, StringComparison.Ordinal);
        Assert.Contains("transformer.h.7.ln_1.weight: the model has no place for it", error.Message, StringComparison.Ordinal);
        Assert.Contains(checkpoint.Folder, error.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.CheckpointShapeMismatch, error.Code);
    }

    [Fact]
    public void Single_missing_tensor_is_named_in_the_exception()
    {
        using var checkpoint = TinyCheckpoint.Of(TinyModels.Create("llama"));
        checkpoint.Tensors.Remove("model.layers.1.mlp.up_proj.weight");
        var error = Assert.Throws<CheckpointException>(() => checkpoint.Load());
        Assert.Equal("model.layers.1.mlp.up_proj.weight", error.Tensor);
        Assert.Equal(ErrorCodes.CheckpointTensorMissing, error.Code);
    }

    [Theory]
    [InlineData("gpt2", "transformer.")]
    [InlineData("bert", "bert.")]
    [InlineData("llama", "model.")]
    public void File_of_the_bare_model_is_read_without_its_prefix(string family, string prefix)
    {
        TextModel model = TinyModels.Create(family, HeadChoice.Classification(3));
        using var checkpoint = TinyCheckpoint.Of(model);
        checkpoint.Rename(name => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name);
        TextModel loaded = checkpoint.Load(HeadChoice.Classification(3));
        Assert.Equal(Rows(model), Rows(loaded));
    }

    [Fact]
    public void Norm_weights_called_gamma_and_beta_are_read()
    {
        TextModel model = TinyModels.Create("bert");
        using var checkpoint = TinyCheckpoint.Of(model);
        checkpoint.Rename(name => name
            .Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal)
            .Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal));
        Assert.Contains("bert.embeddings.LayerNorm.gamma", checkpoint.Tensors.Keys);
        Assert.Equal(TinyModels.Logits(model, TinyModels.Batch(4, 3)), TinyModels.Logits(checkpoint.Load(), TinyModels.Batch(4, 3)));
    }

    [Fact]
    public void Weights_of_64_bits_are_rounded_to_32()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("hieno-double-");
        double[] values = [1.0 / 3, -2.5, 1e300];
        CheckpointFiles.Write(folder.FullName, [SafetensorsItem.FromBytes("w", SafetensorsDType.F64, [3], MemoryMarshal.AsBytes<double>(values).ToArray())]);
        using (var files = CheckpointFiles.Open(folder.FullName))
        {
            var source = new CheckpointWeights(files, "model", seed: 1);
            Assert.Equal([(float)(1.0 / 3), -2.5f, float.PositiveInfinity], source.Take("w", [3], Initializer.Zeros, mayBeNew: false).ToArray());
            source.ThrowIfFaulty(_ => false);
        }

        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Weights_of_16_bits_stay_mapped_until_they_are_trained(DType dtype)
    {
        TextModel model = TinyModels.Create("gpt2");
        using var checkpoint = TinyCheckpoint.Of(model);
        checkpoint.Stored = dtype;
        TextModel loaded = checkpoint.Load();
        Parameter weight = loaded.Parameters().Single(p => p.Name == "transformer.h.0.mlp.c_fc.weight");
        Assert.Equal(dtype, weight.Value.DType);
        Assert.True(weight.Value.Storage.IsBorrowed);

        // The same model with weights rounded as the file stores them.
        float[] frozen = TinyModels.Logits(loaded, TinyModels.Batch(5, 2));
        foreach (Parameter parameter in model.Parameters())
        {
            float[] rounded = Array.ConvertAll(
                parameter.Value.ToArray(), v => dtype == DType.BF16 ? DTypes.FromBF16(DTypes.ToBF16(v)) : DTypes.FromF16(DTypes.ToF16(v)));
            parameter.Value.Backend.CopyFromHost(rounded, parameter.Value);
        }

        float[] expected = TinyModels.Logits(model, TinyModels.Batch(5, 2));
        Assert.Equal(expected.Length, frozen.Length);
        Assert.All(expected.Zip(frozen), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

        weight.Trainable = true;
        Assert.Equal(DType.F32, weight.Value.DType);
        Assert.False(weight.Value.Storage.IsBorrowed);
        Assert.Equal(model.Parameters().Single(p => p.Name == weight.Name).Value.ToArray(), weight.Value.ToArray());
    }

    [Fact]
    public void Training_a_mapped_weight_leaves_its_file_alone()
    {
        using var checkpoint = TinyCheckpoint.Of(TinyModels.Create("llama"));
        TextModel loaded = checkpoint.Load();
        string file = Path.Combine(checkpoint.Folder, "model.safetensors");
        byte[] before = File.ReadAllBytes(file);
        foreach (Parameter parameter in loaded.Parameters())
        {
            parameter.Trainable = true;
            parameter.Value.Span.Fill(7f);
        }

        Assert.Equal(before, File.ReadAllBytes(file));
    }

    [Fact]
    public void Head_of_a_new_task_starts_at_random_and_is_listed()
    {
        using var checkpoint = TinyCheckpoint.Of(TinyModels.Create("bert"));
        TextModel loaded = checkpoint.Load(HeadChoice.Classification(4), seed: 5);
        Assert.Equal(["bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"], loaded.NewlyInitialized);
        Assert.Contains("cls.predictions.bias", loaded.Unused);
        float[] first = loaded.Parameters().Single(p => p.Name == "classifier.weight").Value.ToArray();
        float[] again = checkpoint.Load(HeadChoice.Classification(4), seed: 5).Parameters().Single(p => p.Name == "classifier.weight").Value.ToArray();
        float[] other = checkpoint.Load(HeadChoice.Classification(4), seed: 6).Parameters().Single(p => p.Name == "classifier.weight").Value.ToArray();
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public void Missing_body_is_a_fault_even_for_a_new_task()
    {
        using var checkpoint = TinyCheckpoint.Of(TinyModels.Create("bert"));
        checkpoint.Tensors.Remove("bert.encoder.layer.0.attention.self.query.weight");
        var error = Assert.Throws<CheckpointException>(() => checkpoint.Load(HeadChoice.Classification(2)));
        Assert.Equal("bert.encoder.layer.0.attention.self.query.weight", error.Tensor);
    }

    private static float[] Rows(TextModel model)
    {
        using var tape = Tape.Begin(record: false);
        return model.Classify(TinyModels.Batch(5, 3)).ToArray();
    }

    [Theory]
    [InlineData("gpt2", DType.F32)]
    [InlineData("llama", DType.BF16)]
    [InlineData("bert", DType.F16)]
    public void Quantised_weights_are_those_of_the_file_in_4_bits(string family, DType stored)
    {
        using var checkpoint = TinyCheckpoint.Of(TinyModels.Create(family));
        checkpoint.Stored = stored;
        TextModel plain = checkpoint.Load();
        TextModel quantised = TextModel.Load(checkpoint.Folder, HeadChoice.Language, quantization: new WeightQuantization(DType.NF4, []));
        foreach ((Parameter expected, Parameter actual) in plain.Parameters().Zip(quantised.Parameters()).Where(pair => pair.Second.Value.DType == DType.NF4))
        {
            Tensor whole = Tensor.CreateLongLived(expected.Value.Shape, DType.NF4);
            whole.Backend.Copy(expected.CopyBase(), whole);
            Assert.Equal(whole.ToArray(), actual.Value.ToArray());
        }

        Assert.Contains(quantised.Parameters(), parameter => parameter.Value.DType == DType.NF4);
        Assert.All(quantised.Parameters().Where(parameter => parameter.Kind is ParameterKind.Embedding or ParameterKind.Head or ParameterKind.Norm), parameter => Assert.NotEqual(DType.NF4, parameter.Value.DType));
    }

    [Fact]
    public void A_weight_that_is_not_finite_cannot_be_quantised()
    {
        using var checkpoint = TinyCheckpoint.Of(TinyModels.Create("gpt2"));
        checkpoint.Tensors["transformer.h.1.mlp.c_fc.weight"].Values[5] = float.NaN;
        checkpoint.Load();
        var error = Assert.Throws<CheckpointException>(() => TextModel.Load(checkpoint.Folder, HeadChoice.Language, quantization: new WeightQuantization(DType.NF4, [])));
        Assert.Contains("transformer.h.1.mlp.c_fc.weight: 1 of its", error.Message, StringComparison.Ordinal);
    }
}
