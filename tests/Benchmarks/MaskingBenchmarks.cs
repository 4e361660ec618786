using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Gatehouse.SecretsGateway.Credentials;

namespace Gatehouse.Benchmarks;

/// <summary>What searching an answer for the credential costs, a MiB in pieces of 64 KiB, beside copying it; and what a call costs without a body.</summary>
[MemoryDiagnoser]
public class MaskingBenchmarks
{
    private const string Key = "sk-ant-api03-Zm9vYmFyYmF6cXV4LTEyMzQ1Njc4OTBhYmNkZWY_0123456789-abcdefABCDEF";
    private const int Length = 1 << 20, Piece = 1 << 16;

    private byte[] _body = [];
    private readonly byte[] _copy = new byte[Piece];

    [Params("events", "json", "escaped", "base64", "random")]
    public string Body { get; set; } = "";

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(1);
        var words = Enumerable.Range(0, 500).Select(_ => new string([.. Enumerable.Range(0, random.Next(2, 11)).Select(_ => (char)random.Next('a', 'z' + 1))])).ToArray();
        var text = new StringBuilder();
        while (text.Length < Length)
        {
            var sentence = string.Join(' ', Enumerable.Range(0, 12).Select(_ => words[random.Next(words.Length)]));
            text.Append(Body switch
            {
                "events" => $"event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{sentence}\"}}}}\n\n",
                "escaped" => JsonSerializer.Serialize(JsonSerializer.Serialize(new { Text = $"<a href=\"/{sentence}\">é & ü</a>\n" })),
                "base64" => Convert.ToBase64String(Encoding.ASCII.GetBytes(sentence)),
                _ => JsonSerializer.Serialize(new { Id = random.Next(), Name = sentence, Url = $"https://example.test/{words[1]}/{words[2]}?q={words[3]}" }),
            });
        }

        _body = Body == "random" ? RandomNumberGenerator.GetBytes(Length) : Encoding.ASCII.GetBytes(text.ToString(0, Length));
    }

    [Benchmark(Baseline = true)]
    public int Copied()
    {
        for (var at = 0; at < _body.Length; at += Piece)
            _body.AsSpan(at, Piece).CopyTo(_copy);
        return _copy[0];
    }

    [Benchmark]
    public async Task<int> Masked()
    {
        using var secret = SecretValue.TryCreate(Key, out _)!;
        await using var stream = secret.Mask(Stream.Null);
        for (var at = 0; at < _body.Length; at += Piece)
            await stream.WriteAsync(_body.AsMemory(at, Piece));
        await stream.CompleteAsync(default);
        return stream.Masked;
    }

    [Benchmark]
    public bool Prepared()
    {
        using var secret = SecretValue.TryCreate(Key, out _)!;
        return secret.IsIn(Body);
    }
}
