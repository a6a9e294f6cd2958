using System.Collections.Immutable;

namespace ConfCluster.Actors.Settings;

/// <summary>
/// Looks at a configuration text before the parser sees it. The parser accepts brackets that are never closed (and with a list loops for
/// ever), ignores <c>+=</c>, cannot resolve <c>${…}</c> and <c>include</c> and stumbles over a comma after <c>}</c>: all refused here, with the line.
/// </summary>
public sealed class HoconLint
{
    private readonly string _text;
    private readonly string _source;
    private readonly Stack<(char Bracket, int Line)> _open = new();
    private readonly ImmutableArray<SettingProblem>.Builder _problems = ImmutableArray.CreateBuilder<SettingProblem>();
    private int _at;
    private int _line = 1;
    private bool _atKey = true;

    private HoconLint(string text, string source) => (_text, _source) = (text, source);

    public static ImmutableArray<SettingProblem> Check(string text, string source)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lint = new HoconLint(text, source);
        lint.Walk();
        return lint._problems.ToImmutable();
    }

    private void Walk()
    {
        while (_at < _text.Length && _problems.Count == 0) Step(_text[_at]);
        if (_problems.Count == 0 && _open.TryPeek(out var left)) Problem($"{left.Bracket} is never closed", left.Line);
    }

    private void Step(char c)
    {
        if (c == '\n') NewLine();
        else if (c is '#' || (c == '/' && Next == '/')) Comment(c);
        else if (c == '"') Quoted();
        else if (c is '{' or '[') Open(c);
        else if (c is '}' or ']') Close(c);
        else if (c == '+' && Next == '=') Problem("+= is not supported; write the whole list", _line);
        else if (c == '$' && Next == '{') Problem("${…} is not supported; write the value, or give it with --set", _line);
        else if (_atKey && IsInclude()) Problem("include is not supported; give one file", _line);
        else Plain(c);
    }

    private char Next => _at + 1 < _text.Length ? _text[_at + 1] : '\0';

    private void NewLine()
    {
        _line++;
        _at++;
        _atKey = true;
    }

    private void Comment(char c)
    {
        if (c == '/' && _at > 0 && !char.IsWhiteSpace(_text[_at - 1]) && _text[_at - 1] is not ('{' or '}' or '[' or ']' or ','))
        {
            Problem("put a value with // in quotes", _line);
            return;
        }

        var end = _text.IndexOf('\n', _at);
        _at = end < 0 ? _text.Length : end;
    }

    private void Quoted()
    {
        if (string.CompareOrdinal(_text, _at, "\"\"\"", 0, 3) == 0)
        {
            Problem("\"\"\" is not supported; use one quote", _line);
            return;
        }

        for (_at++; _at < _text.Length && _text[_at] is not ('"' or '\n'); _at++)
        {
            if (_text[_at] == '\\') _at++;
        }

        if (_at >= _text.Length || _text[_at] != '"') Problem("a quote is never closed", _line);
        else _at++;
        _atKey = false;
    }

    private void Open(char c)
    {
        _open.Push((c, _line));
        _at++;
        _atKey = c == '{';
    }

    private void Close(char c)
    {
        if (!_open.TryPop(out var open)) Problem($"{c} closes nothing", _line);
        else if ((open.Bracket, c) is not (('{', '}') or ('[', ']'))) Problem($"{c} comes before the {open.Bracket} of line {open.Line} is closed", _line);
        _at++;
        if (c == '}' && RestOfLineStartsWith(',')) Problem("no comma after }", _line);
    }

    private bool RestOfLineStartsWith(char c)
    {
        var i = _at;
        while (i < _text.Length && _text[i] is ' ' or '\t' or '\r' or '\n') i++;
        return i < _text.Length && _text[i] == c;
    }

    private bool IsInclude() =>
        string.CompareOrdinal(_text, _at, "include", 0, 7) == 0
        && (_at + 7 >= _text.Length || char.IsWhiteSpace(_text[_at + 7]) || _text[_at + 7] is '"' or '(');

    private void Plain(char c)
    {
        if (c == ',') _atKey = true;
        else if (!char.IsWhiteSpace(c)) _atKey = false;
        _at++;
    }

    private void Problem(string what, int line) => _problems.Add(new SettingProblem($"{_source}, line {line}", "", what));
}
