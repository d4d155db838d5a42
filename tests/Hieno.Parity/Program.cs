using Hieno.Parity;

// Compares our models with reference values: dotnet run -c Release --project tests/Hieno.Parity -- PATH…
// Exit code 0 when every fixture passes, 1 when one fails or is not supported, 2 when there is nothing to compare.
if (args.Length == 0 || args.Any(arg => !Path.Exists(arg)))
{
    string? missing = args.FirstOrDefault(arg => !Path.Exists(arg));
    Console.Error.WriteLine(missing is null ? "Usage: Hieno.Parity PATH…, each a folder or file of reference values or the parent of some." : $"{missing}: there is no such folder or file.");
    return 2;
}

string[] fixtures =
[
    .. args.SelectMany<string, string>(arg => Report.IsFixture(arg) || File.Exists(arg)
        ? [arg]
        : Directory.GetDirectories(arg).Concat(Directory.GetFiles(arg).Where(AlignFixture.IsFixture)).Order(StringComparer.Ordinal)),
];
int nameWidth = fixtures.Select(path => AlignFixture.NameOf(path).Length).DefaultIfEmpty().Max();
var counts = new Dictionary<Outcome, int>();
foreach (string path in fixtures)
{
    var report = Report.Of(path);
    counts[report.Outcome] = counts.GetValueOrDefault(report.Outcome) + 1;
    Console.WriteLine(report.ToLine(nameWidth));
}

(int passed, int failed, int unsupported) = (counts.GetValueOrDefault(Outcome.Pass), counts.GetValueOrDefault(Outcome.Fail), counts.GetValueOrDefault(Outcome.Unsupported));
Console.WriteLine($"{passed} passed, {failed} failed, {unsupported} unsupported, {counts.GetValueOrDefault(Outcome.NotAFixture)} not fixtures");
return passed + failed + unsupported == 0 ? 2 : failed + unsupported == 0 ? 0 : 1;
