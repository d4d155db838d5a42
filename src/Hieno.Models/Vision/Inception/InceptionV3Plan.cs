namespace Hieno.Models.Vision.Inception;

/// <summary>The two forms of Inception-v3 whose weights are read.</summary>
public enum InceptionV3Form
{
    /// <summary>Torchvision's.</summary>
    Torchvision,

    /// <summary>That of the Frechet inception distance, as TensorFlow had it in 2015: means leave padding out, and the last block takes a maximum.</summary>
    Fid,
}

/// <summary>The blocks of Inception-v3 and their branches, under torchvision's names.</summary>
internal static class InceptionV3Plan
{
    /// <summary>All blocks, lowest first.</summary>
    public static IReadOnlyList<(string Name, IReadOnlyList<InceptionBranch> Branches)> Blocks(InceptionV3Form form)
    {
        InceptionPool mean = form == InceptionV3Form.Fid ? InceptionPool.AverageInside : InceptionPool.Average;
        return
        [
            ("Mixed_5b", Near(32, mean)),
            ("Mixed_5c", Near(64, mean)),
            ("Mixed_5d", Near(64, mean)),
            ("Mixed_6a", HalvingNear()),
            ("Mixed_6b", Far(128, mean)),
            ("Mixed_6c", Far(160, mean)),
            ("Mixed_6d", Far(160, mean)),
            ("Mixed_6e", Far(192, mean)),
            ("Mixed_7a", HalvingFar()),
            ("Mixed_7b", Wide(mean)),
            ("Mixed_7c", Wide(form == InceptionV3Form.Fid ? InceptionPool.Maximum : mean)),
        ];
    }

    // Figure 5 of the paper.
    private static InceptionBranch[] Near(int pooled, InceptionPool mean) =>
    [
        new([new("branch1x1", 64)]),
        new([new("branch5x5_1", 48), new("branch5x5_2", 64, 5, 5)]),
        new([new("branch3x3dbl_1", 64), new("branch3x3dbl_2", 96, 3, 3), new("branch3x3dbl_3", 96, 3, 3)]),
        new([new("branch_pool", pooled)], Pool: mean),
    ];

    private static InceptionBranch[] HalvingNear() =>
    [
        new([new("branch3x3", 384, 3, 3, 2, false)]),
        new([new("branch3x3dbl_1", 64), new("branch3x3dbl_2", 96, 3, 3), new("branch3x3dbl_3", 96, 3, 3, 2, false)]),
        new([], Pool: InceptionPool.MaximumHalving),
    ];

    // Figure 6: filters of 7 × 7 pixels as a row and a column.
    private static InceptionBranch[] Far(int inner, InceptionPool mean) =>
    [
        new([new("branch1x1", 192)]),
        new([new("branch7x7_1", inner), new("branch7x7_2", inner, 1, 7), new("branch7x7_3", 192, 7, 1)]),
        new(
        [
            new("branch7x7dbl_1", inner), new("branch7x7dbl_2", inner, 7, 1), new("branch7x7dbl_3", inner, 1, 7), new("branch7x7dbl_4", inner, 7, 1),
            new("branch7x7dbl_5", 192, 1, 7),
        ]),
        new([new("branch_pool", 192)], Pool: mean),
    ];

    private static InceptionBranch[] HalvingFar() =>
    [
        new([new("branch3x3_1", 192), new("branch3x3_2", 320, 3, 3, 2, false)]),
        new([new("branch7x7x3_1", 192), new("branch7x7x3_2", 192, 1, 7), new("branch7x7x3_3", 192, 7, 1), new("branch7x7x3_4", 192, 3, 3, 2, false)]),
        new([], Pool: InceptionPool.MaximumHalving),
    ];

    // Figure 7: rows and columns side by side.
    private static InceptionBranch[] Wide(InceptionPool pool) =>
    [
        new([new("branch1x1", 320)]),
        new([new("branch3x3_1", 384)], [new("branch3x3_2a", 384, 1, 3), new("branch3x3_2b", 384, 3, 1)]),
        new([new("branch3x3dbl_1", 448), new("branch3x3dbl_2", 384, 3, 3)], [new("branch3x3dbl_3a", 384, 1, 3), new("branch3x3dbl_3b", 384, 3, 1)]),
        new([new("branch_pool", 192)], Pool: pool),
    ];
}
