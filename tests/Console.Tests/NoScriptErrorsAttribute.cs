using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.Playwright;
using Xunit.Sdk;

namespace Gatehouse.Console.Tests;

/// <summary>A test fails when a script of one of its pages threw, or the browser refused something by the page's policy.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class NoScriptErrorsAttribute : BeforeAfterTestAttribute
{
    // Of the test that runs: classes run beside each other.
    private static readonly AsyncLocal<ConcurrentQueue<string>?> s_errors = new();

    // An answer that is an error is what some tests are about. A page that is left while it begins, and one whose visit is ended, says that its connection is cut.
    private static readonly string[] s_expected = ["Failed to load resource", "Connection disconnected", "Failed to complete negotiation", "Failed to start the connection", "Failed to fetch"];

    /// <summary>What was wrong so far; none of it counts any more.</summary>
    internal static string[] Take()
    {
        var errors = s_errors.Value ?? throw new InvalidOperationException("the class of this test has no [NoScriptErrors]");
        var taken = errors.ToArray();
        errors.Clear();
        return taken;
    }

    internal static void Watch(IPage page)
    {
        if (s_errors.Value is not { } errors)
            return;
        page.PageError += (_, error) => errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !s_expected.Any(each => message.Text.Contains(each, StringComparison.Ordinal)))
                errors.Enqueue(message.Text);
        };
    }

    public override void Before(MethodInfo methodUnderTest) => s_errors.Value = new();

    public override void After(MethodInfo methodUnderTest) => Assert.Empty(Take());
}
