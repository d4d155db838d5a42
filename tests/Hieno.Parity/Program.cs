using Hieno.Parity;

// Compares our models with reference values: dotnet run -c Release --project tests/Hieno.Parity -- DIR…
// Exit code 0 when every model fixture passes, 1 when one fails or is not supported, 2 when there is nothing to compare.
if (args.Length == 0 || args.Any(arg => !Directory.Exists(arg)))
{
    string? missing = args.FirstOrDefault(arg => !Directory.Exists(arg));
    Console.Error.WriteLine(missing is null ? "Usage: Hieno.Parity DIR…, each a folder of reference values or the parent of some." : $"{missing}: there is no such folder.");
    return 2;
}

string[] folders =
[
    .. args.SelectMany<string, string>(arg => Fixture.IsFixture(arg) || AdapterFixture.IsFixture(arg) ? [arg] : Directory.GetDirectories(arg).Order(StringComparer.Ordinal)),
];
int nameWidth = folders.Select(folder => Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)).Length).DefaultIfEmpty().Max();
var counts = new Dictionary<Outcome, int>();
foreach (string folder in folders)
{
    var report = Report.Of(folder);
    counts[report.Outcome] = counts.GetValueOrDefault(report.Outcome) + 1;
    Console.WriteLine(report.ToLine(nameWidth));
}

(int passed, int failed, int unsupported) = (counts.GetValueOrDefault(Outcome.Pass), counts.GetValueOrDefault(Outcome.Fail), counts.GetValueOrDefault(Outcome.Unsupported));
Console.WriteLine($"{passed} passed, {failed} failed, {unsupported} unsupported, {counts.GetValueOrDefault(Outcome.NotAFixture)} not model fixtures");
return passed + failed + unsupported == 0 ? 2 : failed + unsupported == 0 ? 0 : 1;
