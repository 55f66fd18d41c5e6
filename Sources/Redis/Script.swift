// A Lua script as the link knows it: a name for the log, and the source that is loaded on every connect.

/// A script of the store. Its digest comes from the server that loaded it, not from us.
public struct Script: Sendable {
    /// Unique among the scripts of a link.
    public let name: String
    /// The Lua source, byte for byte.
    public let source: [UInt8]

    /// A script under a name.
    public init(name: String, source: [UInt8]) {
        self.name = name
        self.source = source
    }
}
