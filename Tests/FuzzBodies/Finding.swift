// What a fuzz body throws: the code under test broke a promise. The fuzz targets stop on it, the tests report it.

public struct Finding: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Throws unless the condition holds.
func require(_ condition: Bool, _ description: @autoclosure () -> String) throws {
    guard condition else { throw Finding(description()) }
}
