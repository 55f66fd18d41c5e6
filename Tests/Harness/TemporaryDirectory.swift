// A directory of a test's own, directly below /tmp so that the sockets in it stay short of the 107 bytes a Unix
// socket's path may have. It is removed, with everything in it, when the object goes; what is killed before that leaves
// it behind.

import Foundation

/// A short-named directory below /tmp that lives as long as this object.
public final class TemporaryDirectory: Sendable {
    /// Without a trailing slash.
    public let path: String

    public init() throws {
        var template = Array("/tmp/jqXXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError("mkdtemp: \(String(cString: strerror(errno)))") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of `name` inside, existing or not.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file into the directory and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let target = file(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: target))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: target)
        return target
    }

    /// The text of a file inside, or "" when it is not there.
    public func read(_ name: String) -> String {
        FileManager.default.contents(atPath: file(name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
