// A folder of its own with a configuration file in it, and `Configuration.load` pointed there.

import Foundation
import Testing

@testable import jobqd

/// Removed with its files when the last reference goes.
final class ConfigurationSandbox {
    let directory: String

    init() throws {
        directory = NSTemporaryDirectory() + "/jobqd-configuration-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    var mainFile: String { directory + "/jobqd.conf" }

    /// Writes a file below the folder, e.g. `jobqd.conf.d/10-local.conf`.
    func write(_ text: String, to name: String = "jobqd.conf") throws {
        let path = directory + "/" + name
        let parent = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    func load(_ arguments: [String] = [], environment: [String: String] = [:]) -> Configuration.Outcome {
        Configuration.load(arguments: ["--config", mainFile] + arguments, environment: environment)
    }

    /// The configuration, when there is nothing wrong with it.
    func configuration(_ arguments: [String] = [], environment: [String: String] = [:]) throws -> Configuration {
        guard case .run(let configuration) = load(arguments, environment: environment) else {
            throw UnexpectedOutcome(outcome: load(arguments, environment: environment))
        }
        return configuration
    }

    /// The text of `--dump-config` and its like.
    func printed(_ arguments: [String], environment: [String: String] = [:]) throws -> String {
        guard case .print(let text, exitCode: 0) = load(arguments, environment: environment) else {
            throw UnexpectedOutcome(outcome: load(arguments, environment: environment))
        }
        return text
    }

    /// The lines of the failure, without the folder's name, and the exit status.
    func failure(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> (lines: [String], exitCode: Int32) {
        guard case .failure(let text, let code) = load(arguments, environment: environment) else {
            throw UnexpectedOutcome(outcome: load(arguments, environment: environment))
        }
        let lines = text.split(separator: "\n").map { $0.replacingOccurrences(of: directory + "/", with: "") }
        return (lines, code)
    }
}

struct UnexpectedOutcome: Error {
    let outcome: Configuration.Outcome
}
