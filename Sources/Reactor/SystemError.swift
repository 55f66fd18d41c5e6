// The one typed error of the low layers: which call failed and the errno it left.
//
// Nothing is lost on the way up: whoever shows it to a human prints `description`, whoever decides by it looks at `code`.

internal import Glibc

/// A system or libsystemd call that failed.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The errno, positive.
    public let code: Int32
    /// The name of the call, `bind` for instance, perhaps with its object: `open /etc/jobqd`.
    public let call: String

    public init(_ code: Int32, _ call: String) {
        self.code = code
        self.call = call
    }

    /// As in `bind: Address already in use (98)`.
    public var description: String { "\(call): \(SystemError.text(code)) (\(code))" }

    /// The error `errno` tells of after `call`.
    static func last(_ call: String) -> SystemError { SystemError(errno, call) }

    /// What strerror(3) says of an errno.
    public static func text(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            // The POSIX form of strerror_r; the buffer is a C string whatever it returns.
            buffer.initialize(repeating: 0)
            _ = strerror_r(code, buffer.baseAddress!, buffer.count)
            return String(cString: buffer.baseAddress!)
        }
    }
}

/// Turns the negative errno of sd-event and of the functions in the shim into an error.
@discardableResult
func check(_ result: Int32, _ call: @autoclosure () -> String) throws(SystemError) -> Int32 {
    if result < 0 { throw SystemError(-result, call()) }
    return result
}

/// What can only fail through a bug (a dead source, a wrong argument) is a trap.
func expectSuccess(_ result: Int32, _ call: StaticString) {
    precondition(result >= 0, "\(call) failed with errno \(-result)")
}
