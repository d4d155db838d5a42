namespace Hieno.Formats;

/// <summary>The stable codes of the errors about files. A code is never reused for another meaning.</summary>
/// <remarks>
/// HN11xx weights and their configuration, HN12xx data sets, HN13xx storage, HN14xx chat templates, HN15xx recipes, HN16xx tuning,
/// HN17xx training, HN18xx generation, HN19xx metrics, HN21xx pictures.
/// </remarks>
public static class ErrorCodes
{
    /// <summary>A weights file is absent or cannot be opened.</summary>
    public const string CheckpointFileUnreadable = "HN1101";

    /// <summary>A safetensors file ends before its header does.</summary>
    public const string CheckpointHeaderTruncated = "HN1102";

    /// <summary>A safetensors header is longer than 100,000,000 bytes.</summary>
    public const string CheckpointHeaderTooLarge = "HN1103";

    /// <summary>A header, index or configuration is not UTF-8, not JSON, or not of the expected form.</summary>
    public const string CheckpointNotJson = "HN1104";

    /// <summary>A name occurs twice.</summary>
    public const string CheckpointDuplicateName = "HN1105";

    /// <summary>A tensor's entry has an unknown data type, or lacks its type, shape or offsets.</summary>
    public const string CheckpointEntryInvalid = "HN1106";

    /// <summary>Tensors overlap, leave a hole between them, or end before they begin.</summary>
    public const string CheckpointOffsetsInvalid = "HN1107";

    /// <summary>A tensor's size does not fit 64 bits.</summary>
    public const string CheckpointSizeOverflow = "HN1108";

    /// <summary>A tensor's bytes are more or fewer than its shape and data type say.</summary>
    public const string CheckpointSizeMismatch = "HN1109";

    /// <summary>The file is longer or shorter than its tensors.</summary>
    public const string CheckpointLengthMismatch = "HN1110";

    /// <summary>The index of a sharded checkpoint names a file or tensor that is not there.</summary>
    public const string CheckpointIndexInvalid = "HN1111";

    /// <summary>A tensor the model needs is not in the checkpoint.</summary>
    public const string CheckpointTensorMissing = "HN1112";

    /// <summary>A tensor has another shape than the configuration implies.</summary>
    public const string CheckpointShapeMismatch = "HN1113";

    /// <summary>A tensor has a data type that cannot be used here.</summary>
    public const string CheckpointDTypeUnsupported = "HN1114";

    /// <summary>A configuration lacks a key it needs.</summary>
    public const string CheckpointConfigKeyMissing = "HN1115";

    /// <summary>A key of a configuration has the wrong type or a value that cannot be used.</summary>
    public const string CheckpointConfigKeyInvalid = "HN1116";

    /// <summary>config.json names a model family that is not known.</summary>
    public const string CheckpointFamilyUnknown = "HN1117";

    /// <summary>An adapter is of a kind that cannot be read.</summary>
    public const string AdapterUnsupported = "HN1118";

    /// <summary>A file that PyTorch saved is truncated, malformed, or of a kind that cannot be read.</summary>
    public const string CheckpointPickleInvalid = "HN1119";

    /// <summary>A file that PyTorch saved wants to run something; nothing of it was run.</summary>
    public const string CheckpointPickleUnsafe = "HN1120";

    /// <summary>A data file is absent, cannot be opened, or has an unknown extension.</summary>
    public const string DatasetFileUnreadable = "HN1201";

    /// <summary>A data file is not valid UTF-8.</summary>
    public const string DatasetNotUtf8 = "HN1202";

    /// <summary>A row is not valid JSON, or not a JSON object.</summary>
    public const string DatasetRowNotJson = "HN1203";

    /// <summary>A row or a header names a column twice.</summary>
    public const string DatasetDuplicateColumn = "HN1204";

    /// <summary>A quoted field of a CSV file is not closed, or has text after its closing quote.</summary>
    public const string DatasetQuoteInvalid = "HN1205";

    /// <summary>A CSV row has more or fewer fields than there are columns.</summary>
    public const string DatasetRaggedRow = "HN1206";

    /// <summary>A data file holds no row.</summary>
    public const string DatasetEmpty = "HN1207";

    /// <summary>A row lacks a column it needs.</summary>
    public const string DatasetColumnMissing = "HN1208";

    /// <summary>A column of a row has the wrong type.</summary>
    public const string DatasetColumnType = "HN1209";

    /// <summary>A row has the right columns but means nothing usable.</summary>
    public const string DatasetRowInvalid = "HN1210";

    /// <summary>A label was met that does not occur in training.</summary>
    public const string DatasetLabelUnknown = "HN1211";

    /// <summary>The disk or a quota is full.</summary>
    public const string StorageFull = "HN1301";

    /// <summary>The system reported an error while writing, syncing or renaming.</summary>
    public const string StorageFailed = "HN1302";

    /// <summary>A folder of the name to be written exists already.</summary>
    public const string StorageExists = "HN1303";

    /// <summary>The source of a chat template is not of the supported language.</summary>
    public const string TemplateSyntax = "HN1401";

    /// <summary>A chat template does with its values what cannot be done.</summary>
    public const string TemplateEvaluation = "HN1402";

    /// <summary>A chat template refused its messages by raise_exception.</summary>
    public const string TemplateRaised = "HN1403";

    /// <summary>A chat template needs more work, depth or text than it may use.</summary>
    public const string TemplateLimit = "HN1404";

    /// <summary>A recipe file is absent, cannot be opened, has an unknown extension or is not UTF-8.</summary>
    public const string RecipeFileUnreadable = "HN1501";

    /// <summary>A recipe is not valid YAML or JSON, or uses a part of YAML that recipes do not have.</summary>
    public const string RecipeSyntax = "HN1502";

    /// <summary>A recipe is too large, too deep, or grows too large through its anchors.</summary>
    public const string RecipeTooLarge = "HN1503";

    /// <summary>A key occurs twice in one group of a recipe.</summary>
    public const string RecipeDuplicateKey = "HN1504";

    /// <summary>A key of a recipe is not a setting.</summary>
    public const string RecipeUnknownKey = "HN1505";

    /// <summary>The kind of a group of settings is unknown or not given.</summary>
    public const string RecipeUnknownKind = "HN1506";

    /// <summary>A setting without a default is not given.</summary>
    public const string RecipeSettingMissing = "HN1507";

    /// <summary>The value of a setting has the wrong type.</summary>
    public const string RecipeValueType = "HN1508";

    /// <summary>The value of a setting is outside what is allowed.</summary>
    public const string RecipeValueOutOfRange = "HN1509";

    /// <summary>Settings that are right by themselves contradict each other.</summary>
    public const string RecipeSettingsConflict = "HN1510";

    /// <summary>The command line cannot be read as settings of a recipe.</summary>
    public const string RecipeOverrideInvalid = "HN1511";

    /// <summary>An assembly with kinds of one's own cannot be loaded.</summary>
    public const string RecipePluginUnusable = "HN1512";

    /// <summary>A tuning method chooses nothing to train.</summary>
    public const string TuningNothingTrains = "HN1601";

    /// <summary>A name or number in the tuning settings fits nothing in the model.</summary>
    public const string TuningTargetUnknown = "HN1602";

    /// <summary>An adapter cannot be written as a change of the model's weights.</summary>
    public const string TuningCannotMerge = "HN1603";

    /// <summary>Models or adapters do not fit each other, so their weights cannot be combined.</summary>
    public const string MergeMismatch = "HN1604";

    /// <summary>Methods that were asked for together exclude each other, or their order.</summary>
    public const string TuningMethodsConflict = "HN1605";

    /// <summary>An adapter cannot be used for some rows of a batch only.</summary>
    public const string TuningCannotRoute = "HN1606";

    /// <summary>A method that works on text was asked of a model that reads pictures.</summary>
    public const string TuningNeedsText = "HN1607";

    /// <summary>The loss or a gradient is not a finite number.</summary>
    public const string TrainingDiverged = "HN1701";

    /// <summary>A run folder cannot be used for this run.</summary>
    public const string RunFolderUnusable = "HN1702";

    /// <summary>A checkpoint belongs to another recipe or other data.</summary>
    public const string RunMismatch = "HN1703";

    /// <summary>A model that cannot generate text was asked to.</summary>
    public const string GenerationModelUnsuitable = "HN1801";

    /// <summary>A prompt leaves no room in the model's context.</summary>
    public const string GenerationPromptTooLong = "HN1802";

    /// <summary>A prompt has no token, or one that the model does not know.</summary>
    public const string GenerationPromptInvalid = "HN1803";

    /// <summary>The model gave a logit that is not a number, or infinite.</summary>
    public const string GenerationLogitsInvalid = "HN1804";

    /// <summary>No token is left to choose: all logits are −∞.</summary>
    public const string GenerationNoTokenLeft = "HN1805";

    /// <summary>There is no row, or no target token, to measure.</summary>
    public const string MetricEmpty = "HN1901";

    /// <summary>A metric needs another kind of predictions.</summary>
    public const string MetricWrongKind = "HN1902";

    /// <summary>A prediction, a score or a loss is not a number that can be measured.</summary>
    public const string MetricNotFinite = "HN1903";

    /// <summary>No metric has this name.</summary>
    public const string MetricUnknown = "HN1904";

    /// <summary>A picture's file is absent, cannot be opened, or is of a kind that cannot be read.</summary>
    public const string ImageFileUnreadable = "HN2101";

    /// <summary>A picture's file ends too early.</summary>
    public const string ImageTruncated = "HN2102";

    /// <summary>A picture's file contradicts itself or its format.</summary>
    public const string ImageInvalid = "HN2103";

    /// <summary>A picture uses a part of its format that is not read.</summary>
    public const string ImageUnsupported = "HN2104";

    /// <summary>A picture has more pixels than are allowed.</summary>
    public const string ImageTooLarge = "HN2105";

    /// <summary>A file of many pictures is not of its format, contradicts itself, or does not fit its labels.</summary>
    public const string ImageSetInvalid = "HN2106";

    /// <summary>A folder of pictures is not laid out by classes.</summary>
    public const string ImageFolderInvalid = "HN2107";
}
