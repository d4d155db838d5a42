namespace Hieno.Formats.Images;

/// <summary>Changes a picture's size as the Python Imaging Library does, to the bit: what pretrained networks were shown.</summary>
/// <remarks>
/// First along rows, then along columns, with 8 bits in between and weights of 22 bits after the point. With alpha, colours are weighted
/// by it (except for <see cref="ResizeFilter.Nearest"/>), so that what cannot be seen does not shine through.
/// </remarks>
public static class ImageResize
{
    private const int FractionBits = 22;

    /// <summary>The picture at another size.</summary>
    /// <param name="image">1 to 4 channels.</param>
    /// <param name="width">New width, at least 1.</param>
    /// <param name="height">New height, at least 1.</param>
    /// <param name="filter">How pixels are mixed. Default <see cref="ResizeFilter.Bilinear"/>.</param>
    /// <param name="region">The part to take, in pixels, whose sides may lie between pixels; null for all.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is less than 1, or the region does not lie in the picture.</exception>
    public static Image Apply(Image image, int width, int height, ResizeFilter filter = ResizeFilter.Bilinear, ImageRegion? region = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ImageRegion part = region ?? new ImageRegion(0, 0, image.Width, image.Height);
        if (!(part.Left >= 0 && part.Top >= 0 && part.Width > 0 && part.Height > 0 && part.Left + part.Width <= image.Width && part.Top + part.Height <= image.Height))
        {
            throw new ArgumentOutOfRangeException(nameof(region), part, $"The region does not lie in the picture of {image.Width} × {image.Height}.");
        }

        if (filter == ResizeFilter.Nearest)
        {
            return Nearest(image, width, height, part);
        }

        Image weighted = image.HasAlpha ? Premultiplied(image) : image;
        Image narrow = Along(weighted, new Taps(image.Width, part.Left, part.Width, width, filter), rows: true);
        Image resized = Along(narrow, new Taps(image.Height, part.Top, part.Height, height, filter), rows: false);
        return image.HasAlpha ? Divided(resized) : resized;
    }

    /// <summary>The size at which the shorter side has <paramref name="shorter"/> pixels, the longer in proportion, rounded down.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="shorter">Pixels of the shorter side, at least 1.</param>
    public static (int Width, int Height) ShorterSide(Image image, int shorter)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfLessThan(shorter, 1);
        return image.Width <= image.Height
            ? (shorter, (int)((long)shorter * image.Height / image.Width))
            : ((int)((long)shorter * image.Width / image.Height), shorter);
    }

    private static Image Nearest(Image image, int width, int height, ImageRegion part)
    {
        var resized = new Image(width, height, image.Channels);
        int channels = image.Channels;
        (double stepX, double stepY) = (part.Width / width, part.Height / height);
        for (int y = 0; y < height; y++)
        {
            var from = image.Row(Math.Min((int)(part.Top + ((y + 0.5) * stepY)), image.Height - 1));
            var to = resized.Row(y);
            for (int x = 0; x < width; x++)
            {
                int column = Math.Min((int)(part.Left + ((x + 0.5) * stepX)), image.Width - 1);
                from.Slice(column * channels, channels).CopyTo(to[(x * channels)..]);
            }
        }

        return resized;
    }

    private static Image Along(Image image, Taps taps, bool rows)
    {
        if (taps.IsIdentity)
        {
            return image;
        }

        int channels = image.Channels;
        var resized = rows ? new Image(taps.Size, image.Height, channels) : new Image(image.Width, taps.Size, channels);
        int step = rows ? channels : image.Width * channels; // from one pixel to the next that is mixed with it
        for (int y = 0, to = 0; y < resized.Height; y++)
        {
            for (int x = 0; x < resized.Width; x++)
            {
                int target = rows ? x : y;
                int first = rows ? (y * image.Width * channels) + (taps.First(target) * channels) : (taps.First(target) * step) + (x * channels);
                var weights = taps.Weights(target);
                for (int c = 0; c < channels; c++, to++)
                {
                    int sum = 1 << (FractionBits - 1);
                    for (int k = 0; k < weights.Length; k++)
                    {
                        sum += image.Samples[first + c + (k * step)] * weights[k];
                    }

                    resized.Samples[to] = (byte)Math.Clamp(sum >> FractionBits, 0, 255);
                }
            }
        }

        return resized;
    }

    private static Image Premultiplied(Image image)
    {
        var weighted = new Image(image.Width, image.Height, image.Channels, [.. image.Samples]);
        int channels = image.Channels;
        for (int i = 0; i < weighted.Samples.Length; i += channels)
        {
            int alpha = weighted.Samples[i + channels - 1];
            for (int c = i; c < i + channels - 1; c++)
            {
                int product = (weighted.Samples[c] * alpha) + 128;
                weighted.Samples[c] = (byte)(((product >> 8) + product) >> 8); // the same as dividing by 255 and rounding
            }
        }

        return weighted;
    }

    private static Image Divided(Image image)
    {
        int channels = image.Channels;
        for (int i = 0; i < image.Samples.Length; i += channels)
        {
            int alpha = image.Samples[i + channels - 1];
            for (int c = i; alpha is not (0 or 255) && c < i + channels - 1; c++)
            {
                image.Samples[c] = (byte)Math.Min(255, 255 * image.Samples[c] / alpha);
            }
        }

        return image;
    }

    /// <summary>For each new pixel along one side, which old ones are mixed and how much of each.</summary>
    private sealed class Taps
    {
        private readonly int[] _first;
        private readonly int[][] _weights;

        public Taps(int length, double start, double span, int size, ResizeFilter filter)
        {
            Size = size;
            IsIdentity = size == length && start == 0 && span == length;
            double scale = span / size;
            double reach = Math.Max(scale, 1.0);
            double support = Support(filter) * reach;
            _first = new int[size];
            _weights = new int[size][];
            for (int i = 0; i < size && !IsIdentity; i++)
            {
                double centre = start + ((i + 0.5) * scale);
                int first = Math.Max(0, (int)(centre - support + 0.5));
                int end = Math.Min(length, (int)(centre + support + 0.5));
                double[] weights = [.. Enumerable.Range(first, Math.Max(0, end - first)).Select(x => Weight(filter, (x - centre + 0.5) / reach))];
                double sum = weights.Sum();
                _first[i] = first;
                _weights[i] = Array.ConvertAll(weights, weight => ToFixed(sum == 0 ? weight : weight / sum));
            }
        }

        public int Size { get; }

        public bool IsIdentity { get; }

        public int First(int target) => _first[target];

        public ReadOnlySpan<int> Weights(int target) => _weights[target];

        private static int ToFixed(double weight) => (int)(Math.CopySign(0.5, weight) + (weight * (1 << FractionBits)));

        private static double Support(ResizeFilter filter) => filter switch
        {
            ResizeFilter.Box => 0.5,
            ResizeFilter.Bilinear or ResizeFilter.Hamming => 1,
            ResizeFilter.Bicubic => 2,
            _ => 3,
        };

        private static double Weight(ResizeFilter filter, double x) => filter switch
        {
            ResizeFilter.Box => x is > -0.5 and <= 0.5 ? 1 : 0,
            ResizeFilter.Bilinear => Math.Max(0, 1 - Math.Abs(x)),
            ResizeFilter.Hamming => Math.Abs(x) >= 1 ? 0 : Sinc(x) * (0.54 + (0.46 * Math.Cos(Math.PI * x))),
            ResizeFilter.Bicubic => Cubic(Math.Abs(x)),
            _ => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0,
        };

        private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

        private static double Cubic(double x) =>
            x < 1 ? (((1.5 * x) - 2.5) * x * x) + 1
            : x < 2 ? -0.5 * (((((x - 5) * x) + 8) * x) - 4)
            : 0;
    }
}

/// <summary>A part of a picture, in pixels from its upper left corner; sides may lie between pixels.</summary>
/// <param name="Left">Distance from the left side.</param>
/// <param name="Top">Distance from the upper side.</param>
/// <param name="Width">Width.</param>
/// <param name="Height">Height.</param>
public readonly record struct ImageRegion(double Left, double Top, double Width, double Height);
