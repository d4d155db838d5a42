using System.Text;
using Hieno.Formats.ChatTemplates;

namespace Hieno.Formats.Tests.ChatTemplates;

public sealed class FuzzTests
{
    // Little enough that a mutant which loops ends at once.
    private static readonly ChatTemplateOptions Options = new() { MaxWork = 50_000, MaxTextLength = 100_000 };

    private static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "(", ")", "[", "]", "{", "}", "|", "~", "**", "//", "%", "'", "\"", "\\", "\n", " ",
        "if ", "for ", "in ", "else", "endif", "endfor", "set ", "macro ", "is ", "not ", "loop.", "messages", "none", "true", "range(",
        "|tojson", "|map(", "|list", "|join", "namespace()", "0", "9999999999", "1e999", ".", ",", "=", "==", "*", ":", "\0", "é", "😀", "\ud83d",
    ];

    [Fact]
    public void Mutated_templates_render_or_are_refused_and_never_crash_or_hang()
    {
        var cases = TemplateCase.All("rendered.json");
        var random = new Random(20240726);
        int rendered = 0, refused = 0;
        for (int round = 0; round < 6_000; round++)
        {
            var seed = cases[random.Next(cases.Count)];
            string mutant = Mutate(seed.Template, random);
            try
            {
                ChatTemplate.Parse(mutant, "mutant", Options).Render(seed.Variables);
                rendered++;
            }
            catch (ChatTemplateException error)
            {
                Assert.True(error.Line >= 1 && error.Column >= 1, mutant);
                refused++;
            }
        }

        // Both ways out are taken often, or the mutations test nothing.
        Assert.True(rendered > 500 && refused > 500, $"{rendered} rendered, {refused} refused");
    }

    private static string Mutate(string template, Random random)
    {
        var text = new StringBuilder(template);
        for (int edits = random.Next(1, 5); edits > 0; edits--)
        {
            int at = random.Next(text.Length + 1);
            int length = Math.Min(random.Next(1, 8), text.Length - at);
            switch (random.Next(4))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
                case 2:
                    text.Insert(at, text.ToString(at, length));
                    break;
                default:
                    text.Remove(at, length).Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
            }
        }

        return text.ToString();
    }
}
