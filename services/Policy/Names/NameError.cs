namespace Gatehouse.Policy.Names;

/// <summary>Why a text is not a host name.</summary>
public enum NameError
{
    None,
    Empty,
    TooLong,
    EmptyLabel,
    LabelTooLong,
    InvalidCharacter,
    InvalidIdna,
    IsAddress,
}
