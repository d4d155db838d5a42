using System.Text.Encodings.Web;
using System.Text.Json;
using Hieno.Data;
using Hieno.Formats.Text;
using Hieno.Tensors;
using Rescoring;

// Writes what samples/05-rescoring/README.md needs into a folder: the utterances of three files as a recogniser would write them, and
// n-best lists of the last two, as a recogniser would make them that hears badly (NoisyRecogniser).
if (args.Length != 4)
{
    Console.Error.WriteLine("Usage: dotnet run --project samples/05-rescoring -- TRAIN VALIDATION TEST FOLDER");
    return 2;
}

const ulong Seed = 1;
string[][] utterances = [.. args[..3].Select(file => DataSplit.ReadFile(file, TextUnit.Line).Select(row => Spoken.Of(row.Text("text"))).Where(text => text.Length > 0).ToArray())];
string folder = args[3];
Directory.CreateDirectory(folder);
File.WriteAllLines(Path.Combine(folder, "train.txt"), utterances[0]);
File.WriteAllLines(Path.Combine(folder, "validation.txt"), utterances[1]);
File.WriteAllLines(Path.Combine(folder, "test.txt"), utterances[2]);

var recogniser = new NoisyRecogniser(Lexicon.Of(utterances.SelectMany(texts => texts), ModelTokenizer.Load("models/hieno-decoder").Tokenizer));
var json = new JsonSerializerOptions(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
foreach ((string name, string[] texts, ulong seed) in new[] { ("nbest-validation", utterances[1], Seed), ("nbest-test", utterances[2], Seed + 1) })
{
    IEnumerable<string> lines = texts.Select((text, i) => JsonSerializer.Serialize(
        new { reference = text, candidates = recogniser.Hear(text, new Rng(seed, RngStream.Augmentation), (ulong)i).Select(heard => new { text = heard.Text, score = Math.Round(heard.Score, 3) }) }, json));
    File.WriteAllLines(Path.Combine(folder, $"{name}.jsonl"), lines);
}

Console.WriteLine($"{utterances[0].Length:N0} utterances to tune on; n-best lists of {utterances[1].Length:N0} and {utterances[2].Length:N0} others in {folder}");
return 0;
