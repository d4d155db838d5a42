using System.Globalization;

namespace Hieno.Parity;

/// <summary>What a folder turned out to be.</summary>
internal enum Outcome
{
    /// <summary>Every measurement is within its limit.</summary>
    Pass,

    /// <summary>Some measurement is not, or the fixture could not be run to its end.</summary>
    Fail,

    /// <summary>The model's family or task is not known.</summary>
    Unsupported,

    /// <summary>The folder holds reference values of another kind.</summary>
    NotAFixture,
}

/// <summary>The result of one folder: a line of the report.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Outcome">What it turned out to be.</param>
/// <param name="Measurements">What was measured.</param>
/// <param name="Note">Why there is no measurement, or what went wrong.</param>
internal sealed record Report(string Name, Outcome Outcome, IReadOnlyList<Measurement> Measurements, string? Note = null)
{
    private const int PlaceWidth = 56;

    /// <summary>True for a folder or file of reference values.</summary>
    public static bool IsFixture(string path) => AlignFixture.IsFixture(path) || AdapterFixture.IsFixture(path) || Fixture.IsFixture(path);

    /// <summary>Runs all checks on a folder or file; whatever goes wrong ends in the report, so that one does not hide the others.</summary>
    public static Report Of(string path)
    {
        string name = AlignFixture.NameOf(path);
        if (!IsFixture(path))
        {
            return new Report(name, Outcome.NotAFixture, [], "not a fixture");
        }

        try
        {
            (Func<string, string?> whyUnsupported, Func<string, IEnumerable<Measurement>> run) = AlignFixture.IsFixture(path) ? (AlignFixture.WhyUnsupported, AlignFixture.Run)
                : AdapterFixture.IsFixture(path) ? (AdapterFixture.WhyUnsupported, AdapterCheck.Run)
                : ((Func<string, string?>)Fixture.WhyUnsupported, (Func<string, IEnumerable<Measurement>>)Measure);
            if (whyUnsupported(path) is { } reason)
            {
                return new Report(name, Outcome.Unsupported, [], $"unsupported: {reason}");
            }

            List<Measurement> measurements = [.. run(path)];
            return new Report(name, measurements.TrueForAll(m => m.Passes) ? Outcome.Pass : Outcome.Fail, measurements);
        }
        catch (Exception fault)
        {
            return new Report(name, Outcome.Fail, [], fault is FixtureException or Formats.HienoException ? fault.Message : fault.ToString());
        }
    }

    /// <summary>The line, its first column padded to <paramref name="nameWidth"/>.</summary>
    public string ToLine(int nameWidth)
    {
        string verdict = Outcome switch { Outcome.Pass => "pass", Outcome.Fail => "FAIL", _ => string.Empty };
        string[] cells = Note is null ? [.. Measurements.Select(Cell)] : [Note];
        return string.Join("  ", [Name.PadRight(nameWidth), .. cells, verdict]).TrimEnd();
    }

    private static List<Measurement> Measure(string folder)
    {
        var fixture = Fixture.Read(folder);
        var subject = Subject.Load(fixture);
        var fresh = Subject.Load(fixture); // for running statistics that have not moved yet
        List<Measurement> measurements =
        [
            LogitsCheck.Run(fixture, subject),
            .. fixture.Task == FixtureTask.ImageClassification ? (Measurement[])[StatesCheck.Run(fixture, subject)] : [],
            LossCheck.Run(fixture, subject),
            GradientsCheck.Run(fixture, subject),
            AdamWCheck.Run(fixture, fresh),
            .. fixture.TrainsOnBatches ? (Measurement[])[AdamWCheck.Statistics(fixture, fresh)] : [],
        ];
        if (fixture.LoRAFolder is { } folderOfAdapter)
        {
            measurements.AddRange(LoRACheck.Run(fixture, folderOfAdapter));
        }

        return measurements;
    }

    // The worst gradient is always named, any other place only where it is too far off.
    private static string Cell(Measurement m)
    {
        string numbers = string.Create(CultureInfo.InvariantCulture, $"{m.Check} {m.Value,7:0.0e-00} of {m.Limit:0.0e-00}{(m.Passes ? string.Empty : " (!)")}");
        return m.NamesPlace ? $"{numbers} {(m.Where ?? string.Empty).PadRight(PlaceWidth)}"
            : m.Passes ? numbers
            : $"{numbers} {m.Where}".TrimEnd();
    }
}
