// One member of `configure`: left out, null, or a value.

/// A change of one setting.
public enum Setting<Value: Equatable & Sendable>: Equatable, Sendable {
    /// The member was not there.
    case unchanged
    /// It was null: back to the built-in default.
    case reset
    case set(Value)
}
