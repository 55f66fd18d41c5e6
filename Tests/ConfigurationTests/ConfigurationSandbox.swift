// A folder of its own with a configuration file in it, and `Configuration.load` pointed there.

import Foundation
import Harness
import Testing

@testable import jobqd

struct ConfigurationSandbox {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    var directory: String { folder.path }
    var mainFile: String { folder.file("jobqd.conf") }

    /// Writes a file below the folder, e.g. `jobqd.conf.d/10-local.conf`.
    func write(_ text: String, to name: String = "jobqd.conf") throws {
        let parent = (folder.file(name) as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try folder.write(text, to: name)
    }

    func load(_ arguments: [String] = [], environment: [String: String] = [:]) -> Configuration.Outcome {
        Configuration.load(arguments: ["--config", mainFile] + arguments, environment: environment)
    }

    /// The configuration, when there is nothing wrong with it.
    func configuration(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> Configuration {
        let outcome = load(arguments, environment: environment)
        guard case .run(let configuration) = outcome else { throw UnexpectedOutcome(outcome: outcome) }
        return configuration
    }

    /// The text of `--dump-config` and its like.
    func printed(_ arguments: [String], environment: [String: String] = [:]) throws -> String {
        let outcome = load(arguments, environment: environment)
        guard case .print(let text, exitCode: 0) = outcome else { throw UnexpectedOutcome(outcome: outcome) }
        return text
    }

    /// The lines of the failure, without the folder's name, and the exit status.
    func failure(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> (lines: [String], exitCode: Int32) {
        let outcome = load(arguments, environment: environment)
        guard case .failure(let text, let code) = outcome else { throw UnexpectedOutcome(outcome: outcome) }
        let lines = text.split(separator: "\n").map { $0.replacingOccurrences(of: directory + "/", with: "") }
        return (lines, code)
    }
}

struct UnexpectedOutcome: Error {
    let outcome: Configuration.Outcome
}
