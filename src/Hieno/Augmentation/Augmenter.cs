using Hieno.Formats.Images;
using Hieno.Models.Vision;

namespace Hieno.Augmentation;

/// <summary>Runs a recipe's list of augmentations over the pictures of a run.</summary>
/// <remarks>
/// What happens to a picture is a function of the seed, the example's number and the pass; what happens to a batch, of the seed, its first example's number and
/// the pass. So the order of batches, threads and an interruption change nothing, and an augmentation put at the end of the list leaves those before it as they were.
/// </remarks>
public sealed class Augmenter
{
    // The draws of mixing lie apart from those of pictures.
    private const int MixingPlace = 1 << 20;

    private readonly IPictureAugmentation[] _pictures;
    private readonly IMixing[] _mixings;
    private readonly ImageInput _input;
    private readonly ulong _seed;

    /// <summary>Makes the augmentations.</summary>
    /// <param name="options">The list, in the order in which they act.</param>
    /// <param name="input">How the model reads pictures.</param>
    /// <param name="seed">The seed of the run.</param>
    public Augmenter(IReadOnlyList<AugmentationOptions> options, ImageInput input, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(input);
        _pictures = [.. options.OfType<PictureAugmentationOptions>().Select(each => each.Create())];
        _mixings = [.. options.OfType<MixingOptions>().Select(each => each.Create())];
        (_input, _seed) = (input, seed);
    }

    /// <summary>Whether anything changes from pass to pass: if not, what a frozen network computes can be kept.</summary>
    public bool Varies => _pictures.Length + _mixings.Length > 0;

    /// <summary>What the network sees of a picture in a pass, as samples.</summary>
    /// <param name="image">The picture as it is in the file.</param>
    /// <param name="number">The example's number.</param>
    /// <param name="pass">The pass, from 0.</param>
    /// <param name="prepare">Makes a picture as large as the model reads it, as in an evaluation.</param>
    /// <returns>A picture of the model's size and channels.</returns>
    public Image Apply(Image image, int number, int pass, Func<Image, Image> prepare)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(prepare);
        Image seen = _input.Channels == 1 ? image.ToGrey() : image.ToRgb();
        if (_pictures.Length == 0 || !_pictures[0].Resizes)
        {
            seen = prepare(seen);
        }

        for (int i = 0; i < _pictures.Length; i++)
        {
            seen = _pictures[i].Apply(seen, new AugmentationContext(_input, new RandomDraws(_seed, pass, number, i)));
            if (seen.Width != _input.Width || seen.Height != _input.Height || seen.Channels != _input.Channels)
            {
                throw new InvalidOperationException(
                    $"{_pictures[i].GetType().Name}: it made a picture of {seen.Width} × {seen.Height} pixels and {seen.Channels} channels, and the model reads {_input.Width} × {_input.Height} and {_input.Channels}.");
            }
        }

        return seen;
    }

    /// <summary>How the pictures of a batch are mixed in a pass, or null where they are not. Of several mixings in the list each is as likely.</summary>
    /// <param name="numbers">The examples' numbers, in the order of the batch.</param>
    /// <param name="pass">The pass, from 0.</param>
    public BatchMix? Mix(IReadOnlyList<int> numbers, int pass)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (_mixings.Length == 0 || numbers.Count < 2)
        {
            return null;
        }

        int chosen = new RandomDraws(_seed, pass, numbers[0], MixingPlace).Below(_mixings.Length);
        return _mixings[chosen].Draw(numbers.Count, new AugmentationContext(_input, new RandomDraws(_seed, pass, numbers[0], MixingPlace + 1 + chosen)));
    }
}
