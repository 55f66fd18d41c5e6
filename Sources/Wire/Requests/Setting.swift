// One member of `configure`: left out, null, or a value.

/// A change of one setting.
public enum Setting<Value: Equatable & Sendable>: Equatable, Sendable {
    /// The member was not there.
    case unchanged
    /// It was null: back to the built-in default.
    case reset
    case set(Value)
}

extension Setting {
    /// The same with another value, if there is one.
    public func map<Other>(_ transform: (Value) -> Other) -> Setting<Other> {
        switch self {
        case .unchanged: .unchanged
        case .reset: .reset
        case .set(let value): .set(transform(value))
        }
    }
}
