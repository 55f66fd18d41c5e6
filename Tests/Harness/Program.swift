// A program run to its end by a test: what it wrote, and how it ended.

import Foundation

/// What a finished program left behind.
public struct Program: Sendable {
    public let end: ProcessEnd
    public let output: String
    public let errors: String

    /// Runs `executable` (a path, or a name looked up in PATH) with `input` as its standard input.
    public static func run(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:], input: String = "",
        within seconds: Double = 30
    ) throws -> Program {
        let directory = try TemporaryDirectory()
        let input = try FileHandle(forReadingAtPath: directory.write(input, to: "in")).unwrapped("in")
        let output = try FileHandle(forWritingAtPath: directory.write("", to: "out")).unwrapped("out")
        let process = try ServerProcess(
            executable, arguments, environment: environment, log: directory.file("log"),
            standardInput: input.fileDescriptor, standardOutput: output.fileDescriptor)
        let end = try process.waitForEnd(within: seconds)
        return Program(end: end, output: directory.read("out"), errors: directory.read("log"))
    }

    /// The exit status; −1 when a signal ended it.
    public var status: Int32 { if case .exited(let status) = end { status } else { -1 } }
}

extension Optional {
    fileprivate func unwrapped(_ what: String) throws -> Wrapped {
        guard let self else { throw HarnessError("cannot open \(what)") }
        return self
    }
}
