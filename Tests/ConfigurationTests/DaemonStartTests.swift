// The built jobqd as a user starts it: what it prints where, and its exit status, before it serves anything.

import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct DaemonStartTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Program {
        let file = try folder.write("[Limits]\nInFlight=5\n", to: "jobqd.conf")
        return try Program.run(Daemon.executable, ["--config", file] + arguments, environment: environment)
    }

    @Test func validConfigurationIsReportedOnStandardOutput() throws {
        let result = try run(["--check-config"])
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("the configuration is valid; "))
        #expect(result.errors.isEmpty)
    }

    @Test func dumpReadsTheRealEnvironment() throws {
        let result = try run(["--dump-config"], environment: ["JOBQD_KEY_PREFIX": "other"])
        #expect(result.output.contains("# environment: JOBQD_KEY_PREFIX\nKeyPrefix=other\n"))
    }

    @Test func mistakesGoToStandardErrorWithTheirStatus() throws {
        let usage = try run(["--check-config", "--in-flight", "0"])
        #expect(usage.status == 64)
        #expect(usage.output.isEmpty)
        #expect(usage.errors.hasPrefix("jobqd: --in-flight must be"))

        let environment = try run(["--check-config"], environment: ["JOBQD_LINE_BYTES": "1"])
        #expect(environment.status == 78)
        #expect(environment.errors.hasPrefix("jobqd: JOBQD_LINE_BYTES must be"))
    }

    @Test func versionIsOneLine() throws {
        let result = try run(["--version"])
        #expect(result.status == 0)
        #expect(result.output.split(separator: "\n").count == 1)
        #expect(result.output.hasPrefix("jobqd "))
    }
}
