using System.Globalization;

namespace Hieno.Recipes;

/// <summary>A part of something, given as a fraction (<c>10%</c>, <c>0.1</c>) or as a count (<c>500</c>): rows held out, warm-up.</summary>
/// <remarks>A whole number is always a count: <c>1</c> is one piece, <c>100%</c> or <c>1.0</c> is all.</remarks>
public readonly record struct Share : IScalarForm<Share>
{
    private readonly double _amount;

    private Share(double amount, bool isFraction) => (_amount, IsFraction) = (amount, isFraction);

    /// <summary>True when the share is a fraction of the total, false when it is a count.</summary>
    public bool IsFraction { get; }

    /// <summary>The fraction, from 0 to 1; null when the share is a count.</summary>
    public double? Fraction => IsFraction ? _amount : null;

    /// <summary>The count, 0 or more; null when the share is a fraction.</summary>
    public long? Count => IsFraction ? null : (long)_amount;

    /// <inheritdoc/>
    public static string Expected => "a share (10%) or a count (500)";

    /// <inheritdoc/>
    public static string Pattern => @"^\s*([0-9]+|[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?\s*%?)\s*$";

    /// <inheritdoc/>
    public static bool AcceptsNumbers => true;

    /// <summary>A fraction of the total.</summary>
    /// <param name="fraction">From 0 to 1.</param>
    /// <returns>The share.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fraction"/> is below 0, above 1 or not a number.</exception>
    public static Share OfFraction(double fraction) => fraction is >= 0 and <= 1
        ? new Share(fraction, isFraction: true)
        : throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "A fraction lies between 0 and 1.");

    /// <summary>A count that does not depend on the total.</summary>
    /// <param name="count">From 0 to 2⁵³, the whole numbers that a double holds exactly.</param>
    /// <returns>The share.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is below 0 or above 2⁵³.</exception>
    public static Share OfCount(long count) => count is >= 0 and <= MaxCount
        ? new Share(count, isFraction: false)
        : throw new ArgumentOutOfRangeException(nameof(count), count, "A count lies between 0 and 2^53.");

    private const long MaxCount = 1L << 53;

    /// <summary>The number of pieces this share is of a total.</summary>
    /// <param name="total">Number of all pieces, 0 or more.</param>
    /// <returns>fraction · total rounded to a whole number (halves up), or the count, which may exceed <paramref name="total"/>.</returns>
    public long Of(long total) => IsFraction ? (long)Math.Round(_amount * total, MidpointRounding.AwayFromZero) : (long)_amount;

    /// <inheritdoc/>
    public static bool TryParse(string text, out Share value)
    {
        value = default;
        var digits = text.AsSpan().Trim();
        if (long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long count))
        {
            value = new Share(count, isFraction: false);
            return count <= MaxCount;
        }

        bool percent = digits.EndsWith('%');
        const NumberStyles Unsigned = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (percent)
        {
            // Decimal arithmetic, because 7 / 100 and back is exact there and is not in binary.
            digits = digits[..^1].TrimEnd();
            bool isNumber = decimal.TryParse(digits, Unsigned, CultureInfo.InvariantCulture, out decimal hundredths);
            value = new Share((double)(hundredths / 100m), isFraction: true);
            return isNumber && hundredths is >= 0m and <= 100m;
        }

        bool isFraction = double.TryParse(digits, Unsigned, CultureInfo.InvariantCulture, out double fraction);
        value = new Share(fraction, isFraction: true);
        return isFraction && fraction is >= 0 and <= 1;
    }

    /// <inheritdoc/>
    public string ToRecipeText()
    {
        if (!IsFraction)
        {
            return ((long)_amount).ToString(CultureInfo.InvariantCulture);
        }

        // A percentage reads best, but holds 15 digits only; a fraction with more is written in full.
        string percentage = ((decimal)_amount * 100m).ToString("0.##########################", CultureInfo.InvariantCulture) + "%";
        if (TryParse(percentage, out var same) && same == this)
        {
            return percentage;
        }

        string exact = _amount.ToString("R", CultureInfo.InvariantCulture);
        return exact.Contains('.', StringComparison.Ordinal) || exact.Contains('E', StringComparison.Ordinal) ? exact : exact + ".0";
    }

    /// <summary>Prints <c>10%</c> or <c>500</c>.</summary>
    /// <returns>The share as it is written in a recipe.</returns>
    public override string ToString() => ToRecipeText();
}
