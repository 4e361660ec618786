using System.Globalization;
using System.Text;
using Gatehouse.Policy.Display;

namespace Gatehouse.Policy.Tests.Display;

public sealed class LegibilityTests
{
    /// <summary>Each edge, and what is just outside of it.</summary>
    [Theory]
    [InlineData(0x1F, false), InlineData(0x20, true), InlineData(0x7E, true), InlineData(0x7F, false), InlineData(0xA0, false), InlineData(0xA1, true), InlineData(0xAD, false)]
    [InlineData(0x034E, true), InlineData(0x034F, false), InlineData(0x0350, true)]
    [InlineData(0x115E, true), InlineData(0x115F, false), InlineData(0x1160, false), InlineData(0x1161, true), InlineData(0x3163, true), InlineData(0x3164, false), InlineData(0x3165, true)]
    [InlineData(0xFF9F, true), InlineData(0xFFA0, false), InlineData(0xFFA1, true)]
    [InlineData(0x17B3, true), InlineData(0x17B4, false), InlineData(0x17B5, false), InlineData(0x17B6, true)]
    [InlineData(0x180A, true), InlineData(0x180B, false), InlineData(0x180C, false), InlineData(0x180D, false), InlineData(0x180E, false), InlineData(0x180F, false), InlineData(0x1810, true)]
    [InlineData(0x200B, false), InlineData(0x202E, false), InlineData(0x2028, false), InlineData(0x27FF, true), InlineData(0x2800, false), InlineData(0x2801, true), InlineData(0x3000, false)]
    [InlineData(0xFDFF, true), InlineData(0xFE00, false), InlineData(0xFE0F, false), InlineData(0xFE10, true), InlineData(0xFEFF, false)]
    [InlineData(0xE0001, false), InlineData(0xE0041, false), InlineData(0xE00FF, false), InlineData(0xE0100, false), InlineData(0xE01EF, false), InlineData(0xE000, false), InlineData(0x1F642, true)]
    public void Character_AfterALetter_IsShownWhenItIsSeen(int value, bool shown)
    {
        var text = new Legibility();
        Assert.True(text.Shows(new Rune('a')));
        Assert.Equal(shown, text.Shows(new Rune(value)));
    }

    [Theory]
    [InlineData("é e\u0301 שּׁ", "é e\u0301 שּׁ")]
    [InlineData("a\u0301\u0301\u0301b\u0301", "a\u0301\u0301\u0301b\u0301")]
    [InlineData("a\u0301\u0301\u0301\u0301\u0489b", "a\u0301\u0301\u0301<301><489>b")]
    [InlineData("\u0338a", "<338>a")]
    [InlineData("a\u202E\u0338b", "a<202E><338>b")]
    [InlineData("ok\uFE00\uFE01\U000E0100", "ok<FE00><FE01><E0100>")]
    [InlineData("a\u0301\uFE0F\u0301\u0301\u0301", "a\u0301<FE0F>\u0301\u0301<301>")]
    public void Marks_AfterTheThird_AreNotShown(string text, string shown)
    {
        var legible = new Legibility();
        Assert.Equal(shown, string.Concat(text.EnumerateRunes().Select(rune => legible.Shows(rune) ? rune.ToString() : string.Create(CultureInfo.InvariantCulture, $"<{rune.Value:X}>"))));
    }
}
