namespace Hieno.Formats.ChatTemplates.Syntax;

/// <summary>Cuts a template into tokens, applying <c>trim_blocks</c>, <c>lstrip_blocks</c> and the <c>-</c> and <c>+</c> marks.</summary>
/// <remarks>
/// trim_blocks drops the newline after a block or comment; lstrip_blocks drops the blanks between the start of a line and a
/// block or comment; <c>-</c> at either end drops all white space on that side, <c>+</c> keeps it.
/// </remarks>
internal sealed class Lexer
{
    private readonly string _text;
    private readonly List<Token> _tokens = [];
    private int _at;

    // True when the previous tag swallowed a line end, so that what follows starts a line.
    private bool _lineStarting = true;

    private Lexer(string text) => _text = text;

    public static List<Token> Tokenize(TemplateSource source)
    {
        var lexer = new Lexer(source.Text);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (_at < _text.Length)
        {
            int tag = FindTag(_at);
            if (tag < 0)
            {
                AddData(_text[_at..]);
                break;
            }

            char kind = _text[tag + 1];
            AddDataBefore(tag, isVariable: kind == '{');
            _at = tag + (SignAt(tag + 2) == ' ' ? 2 : 3);
            if (EndOfKeywordBlock(tag, "raw") is >= 0 and int raw && _text[raw - 3] != '+')
            {
                ReadRaw(tag, raw);
            }
            else if (kind == '#')
            {
                SkipComment(tag);
            }
            else
            {
                ReadTag(tag, kind == '{' ? TokenKind.VariableBegin : TokenKind.BlockBegin);
            }
        }

        _tokens.Add(new Token(TokenKind.End, "", _text.Length));
    }

    private int FindTag(int from)
    {
        for (int i = _text.IndexOf('{', from); i >= 0 && i + 1 < _text.Length; i = _text.IndexOf('{', i + 1))
        {
            if (_text[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return -1;
    }

    private void AddData(string data)
    {
        if (data.Length > 0)
        {
            _tokens.Add(new Token(TokenKind.Data, data, _at));
        }
    }

    private char SignAt(int at) => at < _text.Length && _text[at] is '-' or '+' ? _text[at] : ' ';

    /// <summary>Adds the text from here to a tag, without what the tag's sign or lstrip_blocks takes from its end.</summary>
    private void AddDataBefore(int tag, bool isVariable)
    {
        var data = _text.AsSpan(_at, tag - _at);
        char sign = SignAt(tag + 2);
        if (sign == '-')
        {
            data = data[..LengthWithoutTrailingSpace(data)];
        }
        else if (sign != '+' && !isVariable)
        {
            int lineStart = data.LastIndexOf('\n') + 1;
            if ((lineStart > 0 || _lineStarting) && LengthWithoutTrailingSpace(data[lineStart..]) == 0)
            {
                data = data[..lineStart];
            }
        }

        AddData(data.ToString());
    }

    /// <summary>Behind a block that holds nothing but this keyword, or -1 when there is another tag.</summary>
    private int EndOfKeywordBlock(int tag, string keyword)
    {
        int at = SkipSpace(SignAt(tag + 2) == ' ' ? tag + 2 : tag + 3);
        if (_text[tag + 1] != '%' || string.CompareOrdinal(_text, at, keyword, 0, keyword.Length) != 0)
        {
            return -1;
        }

        at = SkipSpace(at + keyword.Length);
        at += SignAt(at) == ' ' ? 0 : 1;
        return string.CompareOrdinal(_text, at, "%}", 0, 2) == 0 ? at + 2 : -1;
    }

    private int SkipSpace(int at)
    {
        while (at < _text.Length && Characters.IsSpace(_text[at]))
        {
            at++;
        }

        return at;
    }

    private void SkipComment(int tag)
    {
        int end = _text.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
        {
            throw TemplateFault.Syntax("the comment opened by '{#' has no '#}'", tag);
        }

        char sign = end > _at ? _text[end - 1] : ' ';
        EndTag(end + 2, sign, trimsNewline: true);
    }

    /// <summary>Takes everything up to '{% endraw %}' as text. The newline behind the opening tag stays, as in Jinja.</summary>
    private void ReadRaw(int tag, int begin)
    {
        EndTag(begin, _text[begin - 3], trimsNewline: false);
        for (int at = _text.IndexOf("{%", _at, StringComparison.Ordinal); at >= 0; at = _text.IndexOf("{%", at + 2, StringComparison.Ordinal))
        {
            if (EndOfKeywordBlock(at, "endraw") is >= 0 and int end)
            {
                AddDataBefore(at, isVariable: false);
                EndTag(end, _text[end - 3], trimsNewline: true);
                return;
            }
        }

        throw TemplateFault.Syntax("the block opened by '{% raw %}' has no '{% endraw %}'", tag);
    }

    /// <summary>Moves behind a closing delimiter, and behind the white space that it takes with it.</summary>
    private void EndTag(int at, char sign, bool trimsNewline)
    {
        _at = at;
        if (sign == '-')
        {
            _at = SkipSpace(_at);
        }
        else if (sign != '+' && trimsNewline && _at < _text.Length && _text[_at] == '\n')
        {
            _at++;
        }

        _lineStarting = _text[_at - 1] == '\n';
    }

    /// <summary>Reads from an opening delimiter to its closing one.</summary>
    private void ReadTag(int tag, TokenKind begin)
    {
        bool isVariable = begin == TokenKind.VariableBegin;
        (string close, TokenKind end) = isVariable ? ("}}", TokenKind.VariableEnd) : ("%}", TokenKind.BlockEnd);
        _tokens.Add(new Token(begin, "", tag));

        // Inside brackets '}}' closes two dictionaries, not the tag.
        var brackets = new Stack<char>();
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (Characters.IsSpace(c))
            {
                _at++;
                continue;
            }

            if (brackets.Count == 0)
            {
                // A variable has no '+}}'; there the plus is an operator.
                int signs = c == '-' || (c == '+' && !isVariable) ? 1 : 0;
                if (string.CompareOrdinal(_text, _at + signs, close, 0, 2) == 0)
                {
                    _tokens.Add(new Token(end, "", _at));
                    EndTag(_at + signs + 2, signs == 1 ? c : ' ', trimsNewline: !isVariable);
                    return;
                }
            }

            ReadToken(c, brackets);
        }
    }

    private void ReadToken(char c, Stack<char> brackets)
    {
        if (char.IsAsciiDigit(c))
        {
            _tokens.Add(Literals.ReadNumber(_text, ref _at));
        }
        else if (c is '\'' or '"')
        {
            _tokens.Add(Literals.ReadString(_text, ref _at));
        }
        else if (c == '_' || char.IsLetter(c))
        {
            int start = _at;
            while (_at < _text.Length && (_text[_at] == '_' || char.IsLetterOrDigit(_text[_at])))
            {
                _at++;
            }

            _tokens.Add(new Token(TokenKind.Name, _text[start.._at], start));
        }
        else
        {
            ReadOperator(c, brackets);
        }
    }

    private void ReadOperator(char c, Stack<char> brackets)
    {
        string two = _at + 1 < _text.Length ? _text.Substring(_at, 2) : "";
        string? op = two is "//" or "**" or "==" or "!=" or ">=" or "<=" ? two
            : "+-*/%~[](){}<>=.:|,;".Contains(c, StringComparison.Ordinal) ? c.ToString()
            : throw TemplateFault.Syntax($"character '{c}' cannot stand in an expression", _at);

        switch (c)
        {
            case '(': brackets.Push(')'); break;
            case '[': brackets.Push(']'); break;
            case '{': brackets.Push('}'); break;
            case ')' or ']' or '}':
                if (!brackets.TryPop(out char expected) || expected != c)
                {
                    string wanted = expected == default ? "no bracket is open" : $"'{expected}' is expected";
                    throw TemplateFault.Syntax($"'{c}' closes nothing: {wanted}", _at);
                }

                break;
        }

        _tokens.Add(new Token(TokenKind.Operator, op, _at));
        _at += op.Length;
    }

    private static int LengthWithoutTrailingSpace(ReadOnlySpan<char> text)
    {
        int length = text.Length;
        while (length > 0 && Characters.IsSpace(text[length - 1]))
        {
            length--;
        }

        return length;
    }
}
