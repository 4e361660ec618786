namespace Gatehouse.Policy.Events;

/// <summary>Actions that mean something to more than who records them.</summary>
public static class BoundaryActions
{
    /// <summary>
    /// A gate's last word on a session: detail <c>records</c> is the number of events that it recorded of it, seals not counted. Several seals of one gate add
    /// up: of a gate that was started anew, or that had more to record after the first.
    /// </summary>
    public const string Seal = "seal";
}
