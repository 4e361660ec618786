using System.Globalization;
using System.Text;

namespace Gatehouse.Policy.Display;

/// <summary>
/// Which characters of a text a person sees as what they are, one after the other: whoever shows what an agent chose escapes the others. Those are what acts on a
/// terminal or turns text around, what shows nothing and can so carry anything past a reviewer, and marks without end, which paint over the lines beside them.
/// </summary>
public struct Legibility
{
    /// <summary>Marks that a letter may carry: a Hebrew or Vietnamese one has three at most.</summary>
    private const int MostMarks = 3;

    // At the beginning none: a mark would stand on what is shown before the text, as the sign of a line of a difference.
    private int _marks;

    /// <param name="rune">The next of the text.</param>
    /// <returns>False to have it escaped.</returns>
    public bool Shows(Rune rune)
    {
        switch (Rune.GetUnicodeCategory(rune))
        {
            case UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark:
                if (_marks == 0 || IsBlank(rune.Value))
                    return false;
                _marks--;
                return true;
            case UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate
                or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned:
            case UnicodeCategory.SpaceSeparator when rune.Value != ' ':
            case var _ when IsBlank(rune.Value):
                // What follows would stand on its escape.
                _marks = 0;
                return false;
            default:
                _marks = MostMarks;
                return true;
        }
    }

    // Assigned, of a category that is seen, and nothing to see: Unicode's Default_Ignorable_Code_Point, and blanks that are none by their category.
    private static bool IsBlank(int value) => value
        is 0x034F // COMBINING GRAPHEME JOINER
        or 0x115F or 0x1160 or 0x3164 or 0xFFA0 // HANGUL FILLERs
        or 0x17B4 or 0x17B5 // KHMER VOWEL INHERENT AQ and AA
        or (>= 0x180B and <= 0x180F) // MONGOLIAN FREE VARIATION SELECTORs
        or 0x2800 // BRAILLE PATTERN BLANK
        or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF) // VARIATION SELECTORs
        or 0x16FE4 // KHITAN SMALL SCRIPT FILLER
        or 0x1D159; // MUSICAL SYMBOL NULL NOTEHEAD
}
