// jobqctl as the tests of this folder call it: the built binary, with the socket of a daemon in its environment.

import Harness
import Testing

/// jobqctl for one daemon.
struct AdminTool {
    let daemon: Daemon
    static let path = BuiltProducts.path("jobqctl", variable: "JOBQCTL_BINARY")

    private var environment: [String: String] { ["JOBQD_SOCKET": daemon.socketPath, "TZ": "UTC", "NO_COLOR": "1"] }

    func callAsFunction(
        _ arguments: String..., input: String = "", environment extra: [String: String] = [:]
    ) throws -> Program {
        try Program.run(
            Self.path, arguments, environment: environment.merging(extra) { $1 }, input: input)
    }

    /// The one line that it prints with --json.
    func json(_ arguments: String..., input: String = "") throws -> JSON {
        let result = try Program.run(Self.path, arguments + ["--json"], environment: environment, input: input)
        let lines = result.output.split(separator: "\n")
        try #require(lines.count == 1, "\(result.output) \(result.errors)")
        return try JSON(parsing: lines[0].utf8)
    }

    /// The same behind a terminal.
    func atTerminal(_ arguments: String..., columns: Int = 80) throws -> PseudoTerminal {
        try PseudoTerminal(Self.path, arguments, environment: environment, columns: columns)
    }
}

extension LineClient {
    /// Makes dead letters `queue/1`, `queue/2`, …, with these errors.
    func bury(_ queue: String, _ errors: [JSON], _ members: JSON = [:]) throws {
        for (index, error) in errors.enumerated() {
            var job = members.object
            job["job_id"] = JSON(String(index + 1))
            job["max_attempts"] = 1
            _ = try enqueue(queue, .object(job))
            _ = try fail(claimOne(queue), ["error": error])
        }
    }

    /// How many jobs of a queue are in a state.
    func depth(_ queue: String, _ state: String) throws -> Int? { try stats(queue)["depth"][state].int }
}
