// A child process: started with a clean slate (signals, descriptors), ended with us, watched by the loop.
//
// The child gets SIGTERM from the kernel when the thread that started it ends (PR_SET_PDEATHSIG, prctl(2)), so no child
// survives even a SIGKILL of the daemon. Standard input is /dev/null. It stays in our session and process group.

internal import CSystemd
internal import Glibc

/// How a child process ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    public var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let number): "signal \(number)"
        }
    }
}

/// A process that we started. It must be watched (`Loop.child`), or it stays a zombie when it ends.
public final class ChildProcess {
    /// Where the child's standard output and standard error go.
    public enum Output: Sendable {
        /// To our standard error.
        case standardError
        /// Appended to a file, which is created with mode 0600.
        case file(String)
        /// To this descriptor, which stays the caller's.
        case descriptor(Int32)
    }

    public let pid: Int32
    /// Whether the end of the process was reported; its pid may be another's from then on.
    public internal(set) var hasEnded = false

    private init(pid: Int32) { self.pid = pid }

    /// Starts `path` (looked up in `PATH` when it has no slash). Throws what fork or, in the child, execve failed with.
    ///
    /// `arguments` leaves out argument 0; `environment` has `NAME=value` strings and nil means ours.
    public static func spawn(
        _ path: String, arguments: [String] = [], environment: [String]? = nil, directory: String? = nil,
        output: Output = .standardError
    ) throws(SystemError) -> ChildProcess {
        guard let executable = find(path) else { throw SystemError(ENOENT, "exec \(path)") }
        var opened: Int32 = -1
        defer { if opened >= 0 { Glibc.close(opened) } }
        let target: Int32
        switch output {
        case .standardError: target = STDERR_FILENO
        case .descriptor(let fd): target = fd
        case .file(let name):
            opened = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o600)
            if opened < 0 { throw .last("open \(name)") }
            target = opened
        }
        let pid = start(executable, [path] + arguments, environment, directory, target)
        try check(pid, "exec \(executable)")
        return ChildProcess(pid: pid)
    }

    /// Sends a signal (nil: SIGTERM), unless the process has ended; false when it could not be sent.
    @discardableResult
    public func terminate(_ signal: Int32? = nil) -> Bool { !hasEnded && kill(pid, signal ?? SIGTERM) == 0 }

    /// Where an executable is: itself with a slash in it, otherwise the first in `PATH`; nil when there is none.
    public static func find(_ name: String) -> String? {
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for directory in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = (directory.isEmpty ? "." : String(directory)) + "/" + name
            if access(candidate, X_OK) == 0 { return candidate }
        }
        return nil
    }

    private static func start(
        _ path: String, _ arguments: [String], _ environment: [String]?, _ directory: String?, _ output: Int32
    ) -> Int32 {
        withCStrings(arguments) { argv in
            withCStrings(environment ?? []) { envp in
                path.withCString { path in
                    withOptionalCString(directory) { directory in
                        var what = jobqd_spawn(
                            path: path, arguments: argv, environment: environment == nil ? environ : envp,
                            directory: directory, output: output, error: output, death_signal: SIGTERM)
                        return jobqd_spawn(&what)
                    }
                }
            }
        }
    }
}

/// The strings as a NULL-terminated array of C strings, good during `body`.
private func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
) -> Value {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}

private func withOptionalCString<Value>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
    guard let string else { return body(nil) }
    return string.withCString { body($0) }
}
