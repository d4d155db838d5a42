// Writes pictures that a network trained on MNIST or CIFAR-10 has not seen the like of, for the experiments of docs/vision.md. Labels stay.
// dotnet run tools/shift-pictures.cs -- inverted|turned|noisy PICTURES OUT, with files of MNIST (.gz) or of CIFAR-10 (.bin)
using System.Buffers.Binary;
using System.IO.Compression;

if (args is not [string shift, string from, string to] || shift is not ("inverted" or "turned" or "noisy"))
{
    Console.Error.WriteLine("Usage: shift-pictures inverted|turned|noisy PICTURES OUT");
    return 2;
}

bool isIdx = from.EndsWith(".gz", StringComparison.Ordinal);
byte[] file = isIdx ? Unpack(from) : File.ReadAllBytes(from);
int side = isIdx ? BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(8)) : 32;
int planes = isIdx ? 1 : 3;
int header = isIdx ? 16 : 0; // of the file
int label = isIdx ? 0 : 1; // before each picture
int size = side * side;
var random = new Random(1); // the same numbers each time
for (int start = header; start < file.Length; start += label + (planes * size))
{
    for (int plane = 0; plane < planes; plane++)
    {
        Span<byte> pixels = file.AsSpan(start + label + (plane * size), size);
        byte[] before = pixels.ToArray();
        for (int i = 0; i < size; i++)
        {
            pixels[i] = shift switch
            {
                "inverted" => (byte)(255 - before[i]),
                "turned" => before[((side - 1 - (i % side)) * side) + (i / side)], // a quarter, clockwise
                _ => (byte)Math.Clamp(before[i] + (96 * Normal(random)), 0, 255),
            };
        }
    }
}

if (isIdx)
{
    using var output = new GZipStream(File.Create(to), CompressionLevel.Optimal);
    output.Write(file);
}
else
{
    File.WriteAllBytes(to, file);
}

return 0;

static byte[] Unpack(string path)
{
    using var input = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
    using var bytes = new MemoryStream();
    input.CopyTo(bytes);
    return bytes.ToArray();
}

static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
