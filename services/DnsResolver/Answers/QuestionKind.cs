namespace Gatehouse.DnsResolver.Answers;

/// <summary>What a question is about, and so how it is answered.</summary>
internal enum QuestionKind
{
    /// <summary>Refused, and never sent anywhere.</summary>
    Blocked,

    /// <summary>A name that some egress rule names.</summary>
    Allowed,

    /// <summary>A name that a person would be asked about: it gets an address, and nobody upstream hears of it.</summary>
    Asked,

    /// <summary><c>secrets.gatehouse</c>, <c>proxy.gatehouse</c>.</summary>
    Own,

    /// <summary><c>localhost</c> and below (RFC 6761 §6.3).</summary>
    Localhost,

    /// <summary>The name by which browsers ask whether DNS over HTTPS is unwelcome: NXDOMAIN says so.</summary>
    Canary,

    /// <summary>A reverse question, about a gate address perhaps.</summary>
    Reverse,
}
