namespace Hieno.Tensors.Cpu;

/// <summary>Kernels of group normalisation: those of batch normalisation, picture by picture, whose sums are put together group by group.</summary>
public sealed unsafe partial class CpuBackend
{
    /// <inheritdoc/>
    public override void GroupNormForward(Tensor x, int groups, Tensor? gain, Tensor? bias, float eps, Tensor y, Tensor mean, Tensor inverse)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(inverse);
        int pixels = x.Rows / x.Shape[0];
        int chunks = (pixels + BatchNormRowsPerTask - 1) / BatchNormRowsPerTask;
        double count = (double)pixels * x.Columns / groups;
        using Scratch partials = RentScratch((long)chunks * x.Columns);
        for (int image = 0; image < x.Shape[0]; image++)
        {
            Tensor picture = x.RowRange(image * pixels, pixels);
            (Tensor means, Tensor inverses) = (mean.RowRange(image, 1), inverse.RowRange(image, 1));
            For(pixels, BatchNormRowsPerTask, new ChannelSumsKernel(picture, null, partials.Pointer));
            SumPartials(partials.Pointer, chunks, x.Columns, (float*)means.Pointer, add: false);
            ForGroups((float*)means.Pointer, x.Columns, groups, sum => sum / count);
            For(pixels, BatchNormRowsPerTask, new ChannelSumsKernel(picture, (float*)means.Pointer, partials.Pointer));
            SumPartials(partials.Pointer, chunks, x.Columns, (float*)inverses.Pointer, add: false);
            ForGroups((float*)inverses.Pointer, x.Columns, groups, sum => 1 / Math.Sqrt((sum / count) + eps));
            NormalizeChannels(picture, gain, bias, means, inverses, y.RowRange(image * pixels, pixels));
        }
    }

    /// <inheritdoc/>
    public override void GroupNormBackward(
        Tensor x,
        int groups,
        Tensor? gain,
        Tensor mean,
        Tensor inverse,
        Tensor dy,
        Tensor? dx,
        bool addToX,
        Tensor? dgain,
        bool addToGain,
        Tensor? dbias,
        bool addToBias)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(dy);
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(inverse);
        int pixels = x.Rows / x.Shape[0];
        int columns = x.Columns;
        int chunks = (pixels + BatchNormRowsPerTask - 1) / BatchNormRowsPerTask;
        float* gains = gain is null ? null : (float*)gain.Pointer;
        using Scratch partials = RentScratch((long)chunks * columns);
        using Scratch sums = RentScratch(5L * columns);
        float* gradients = sums.Pointer;
        float* products = sums.Pointer + columns;
        float* line = sums.Pointer + (2L * columns);
        for (int image = 0; image < x.Shape[0]; image++)
        {
            (Tensor picture, Tensor change) = (x.RowRange(image * pixels, pixels), dy.RowRange(image * pixels, pixels));
            float* means = (float*)mean.Pointer + ((long)image * columns);
            float* inverses = (float*)inverse.Pointer + ((long)image * columns);
            For(pixels, BatchNormRowsPerTask, new ChannelSumsKernel(change, null, partials.Pointer));
            SumPartials(partials.Pointer, chunks, columns, gradients, add: false);
            For(pixels, BatchNormRowsPerTask, new ChannelProductsKernel(picture, means, inverses, change, partials.Pointer));
            SumPartials(partials.Pointer, chunks, columns, products, add: false);
            AddChannels(products, dgain, addToGain || image > 0);
            AddChannels(gradients, dbias, addToBias || image > 0);
            if (dx is not null)
            {
                FindLine(columns, groups, pixels, gains, means, inverses, gradients, products, line);
                For(pixels, BatchNormRowsPerTask, new ChannelLineKernel(change, line, picture, line + columns, line + (2 * columns), dx.RowRange(image * pixels, pixels), addToX));
            }
        }

        KeepAlive(x, gain, mean, inverse, dy, dx, dgain, dbias);
    }

    // dx = a·dy + b·x + d with numbers of each channel: all a, then all b, then all d.
    private static void FindLine(
        int columns, int groups, int pixels, float* gains, float* means, float* inverses, float* gradients, float* products, float* line)
    {
        int channels = columns / groups;
        double count = (double)pixels * channels;
        for (int first = 0; first < columns; first += channels)
        {
            (double gradient, double product) = (0, 0);
            for (int c = first; c < first + channels; c++)
            {
                double g = gains == null ? 1 : gains[c];
                (gradient, product) = (gradient + (g * gradients[c]), product + (g * products[c]));
            }

            for (int c = first; c < first + channels; c++)
            {
                double b = -(double)inverses[c] * inverses[c] * product / count;
                line[c] = inverses[c] * (gains == null ? 1f : gains[c]);
                line[columns + c] = (float)b;
                line[(2 * columns) + c] = (float)((-inverses[c] * gradient / count) - (b * means[c]));
            }
        }
    }

    // Each channel receives what the sum over its group gives.
    private static void ForGroups(float* channels, int columns, int groups, Func<double, double> finish)
    {
        int width = columns / groups;
        for (int first = 0; first < columns; first += width)
        {
            double sum = 0;
            for (int c = first; c < first + width; c++)
            {
                sum += channels[c];
            }

            new Span<float>(channels + first, width).Fill((float)finish(sum));
        }
    }
}
