using Gatehouse.Policy.Names;

namespace Gatehouse.Policy.Tests.Names;

/// <summary>Names beyond ASCII: the same answer whatever globalization data the machine has.</summary>
public sealed class InternationalNameTests
{
    [Theory]
    [InlineData("bücher.example", "xn--bcher-kva.example")]
    [InlineData("BÜCHER.example", "xn--bcher-kva.example")]
    [InlineData("münchen.de", "xn--mnchen-3ya.de")]
    [InlineData("日本語.jp", "xn--wgv71a119e.jp")]
    [InlineData("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f")]
    [InlineData("ПРИМЕР.example", "xn--e1afmkfd.example")]
    [InlineData("παράδειγμα.gr", "xn--hxajbheg2az3al.gr")]
    [InlineData("例え.テスト", "xn--r8jz45g.xn--zckzah")]
    [InlineData("실례.테스트", "xn--9n2bp8q.xn--9t4b11yi5a")]
    [InlineData("abc漢字.example", "xn--abc-269er78f.example")]
    public void TryParse_UnicodeThatReadsOneWay_IsAnALabel(string text, string canonical)
    {
        Assert.True(DomainName.TryParse(text, out var name));
        Assert.Equal(canonical, name.Value);
        Assert.True(DomainName.TryParse(name.Value, out var again));
        Assert.Equal(name, again);
    }

    [Theory]
    [InlineData("bu\u0308cher.example")]   // decomposed: needs NFC
    [InlineData("ＡＢＣ.com")]              // full width: UTS 46 maps to abc
    [InlineData("１２７.0.0.1")]
    [InlineData("example。com")]           // ideographic full stop: a dot to UTS 46
    [InlineData("①.com")]
    [InlineData("ﬁle.com")]
    [InlineData("faß.de")]                 // ss in IDNA 2003, ß in IDNA 2008
    [InlineData("βόλος.com")]              // final sigma, likewise
    [InlineData("a\u200db.com")]           // zero-width joiner
    [InlineData("a\u00adb.com")]           // soft hyphen: vanishes in UTS 46
    [InlineData("аpple.com")]              // Cyrillic а among Latin
    [InlineData("αpple.com")]
    [InlineData("שלום.com")]               // right to left: needs the Bidi rule
    [InlineData("İstanbul.com")]           // lower-cases to i with a dot above
    [InlineData("\ud83d\ude00.com")]
    [InlineData("\ud800.com")]             // half a character
    [InlineData("ŀ.com")]                  // compatibility form of l·
    [InlineData("xn--.com")]
    [InlineData("xn--a.com")]              // a control character
    [InlineData("xn--abc-.com")]           // plain ASCII in disguise
    [InlineData("xn--99999999.com")]
    [InlineData("xn--bcher-kva-.com")]
    [InlineData("ab--ü.com")]
    public void TryParse_UnicodeThatReadsTwoWays_IsRefused(string text)
    {
        Assert.False(DomainName.TryParse(text, out _, out var error));
        Assert.True(error is NameError.InvalidIdna or NameError.InvalidCharacter, error.ToString());
    }

    [Fact]
    public void TryParse_LongUnicodeLabel_IsBoundByItsEncodedLength()
    {
        Assert.True(DomainName.TryParse(new string('ü', 50) + ".example", out var name));
        Assert.InRange(name.Value.IndexOf('.', StringComparison.Ordinal), 1, DomainName.MaxLabelLength);
        Assert.False(DomainName.TryParse(new string('a', 62) + "ü.example", out _, out var error));
        Assert.Equal(NameError.LabelTooLong, error);
    }

    [Fact]
    public void Punycode_AnyCodePoints_ComeBack()
    {
        var random = new Random(3492);
        Span<char> encoded = stackalloc char[512];
        Span<int> decoded = stackalloc int[64];
        Span<int> points = stackalloc int[12];
        for (var round = 0; round < 2_000; round++)
        {
            var original = points[..random.Next(1, points.Length)];
            foreach (ref var point in original)
                point = random.Next(3) switch { 0 => random.Next('a', 'z'), 1 => random.Next(0xA1, 0x2000), _ => random.Next(0xE000, 0x10FFFF) };
            Assert.True(Punycode.TryEncode(original, encoded, out var written));
            Assert.True(Punycode.TryDecode(encoded[..written], decoded, out var count));
            Assert.Equal(original.ToArray(), decoded[..count].ToArray());
        }
    }

    [Fact]
    public void Punycode_AnyText_DecodesOrNot()
    {
        var random = new Random(5891);
        Span<int> decoded = stackalloc int[16];
        Span<char> text = stackalloc char[59];
        for (var round = 0; round < 20_000; round++)
        {
            var part = text[..random.Next(0, text.Length)];
            foreach (ref var c in part)
                c = "abcxyz0189-"[random.Next(11)];
            Punycode.TryDecode(part, decoded, out var count);
            Assert.InRange(count, 0, decoded.Length);
        }
    }
}
