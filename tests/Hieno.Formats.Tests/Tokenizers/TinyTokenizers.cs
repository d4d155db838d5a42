using Hieno.Formats.Tokenizers;

namespace Hieno.Formats.Tests.Tokenizers;

/// <summary>Tokenizers small enough to be checked by hand.</summary>
internal static class TinyTokenizers
{
    public static Tokenizer Parse(string json) => Tokenizer.Parse(System.Text.Encoding.UTF8.GetBytes(json), "tiny.json");

    /// <summary>A tokenizer around a model that knows every piece, so that tests see what pre-tokenizers and normalizers did.</summary>
    public static Tokenizer Showing(string? normalizer = null, string? preTokenizer = null, string addedTokens = "[]") => Parse($$"""
        {
          "added_tokens": {{addedTokens}},
          "normalizer": {{normalizer ?? "null"}},
          "pre_tokenizer": {{preTokenizer ?? "null"}},
          "model": { "type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]] }
        }
        """);

    /// <summary>The pieces a text is cut into.</summary>
    public static string[] Pieces(string text, string? normalizer = null, string? preTokenizer = null, string addedTokens = "[]") =>
        Showing(normalizer, preTokenizer, addedTokens).Encode(text).Tokens;

    /// <summary>BERT's kind: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, then un ##aff ##able a hello world , !.</summary>
    public static Tokenizer WordPiece() => Parse("""
        {
          "added_tokens": [
            { "id": 0, "content": "[PAD]", "special": true }, { "id": 1, "content": "[UNK]", "special": true },
            { "id": 2, "content": "[CLS]", "special": true }, { "id": 3, "content": "[SEP]", "special": true } ],
          "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true },
          "pre_tokenizer": { "type": "BertPreTokenizer" },
          "post_processor": { "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2] },
          "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
          "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 20,
            "vocab": { "[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "un": 4, "##aff": 5, "##able": 6, "a": 7, "hello": 8, "world": 9, ",": 10, "!": 11 } }
        }
        """);
}
