using Hieno.Formats.Tracking;

namespace Hieno.Formats.Tests.Tracking;

public sealed class ProtobufWriterTests
{
    // The encodings that the protobuf documentation works out by hand.
    [Fact]
    public void Fields_have_their_documented_bytes()
    {
        Assert.Equal("08-96-01", Hex(new ProtobufWriter().Integer(1, 150)));
        Assert.Equal("12-07-74-65-73-74-69-6E-67", Hex(new ProtobufWriter().Text(2, "testing")));
        Assert.Equal("1A-03-08-96-01", Hex(new ProtobufWriter().Message(3, new ProtobufWriter().Integer(1, 150))));
        Assert.Equal("08-FE-FF-FF-FF-FF-FF-FF-FF-FF-01", Hex(new ProtobufWriter().Integer(1, -2)));
        Assert.Equal("09-00-00-00-00-00-00-F8-3F", Hex(new ProtobufWriter().Double(1, 1.5)));
        Assert.Equal("15-00-00-C0-3F", Hex(new ProtobufWriter().Float(2, 1.5f)));
    }

    [Fact]
    public void Field_numbers_above_15_and_long_contents_take_more_bytes()
    {
        Assert.Equal("80-01-00", Hex(new ProtobufWriter().Integer(16, 0)));
        Assert.StartsWith("0A-C8-01-61-61", Hex(new ProtobufWriter().Text(1, new string('a', 200))), StringComparison.Ordinal);
        Assert.Equal("22-00", Hex(new ProtobufWriter().Message(4, new ProtobufWriter())));
        Assert.Equal("0A-02-C3-A9", Hex(new ProtobufWriter().Text(1, "é")));
    }

    private static string Hex(ProtobufWriter writer) => BitConverter.ToString(writer.Written.ToArray());
}
