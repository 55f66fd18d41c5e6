// The machine under test: a systemd of its own, booted by Tests/System/with-systemd.sh, with the built package installed.
//
// The tests change users, files and units of the machine at will, so outside of such a container each one fails at once.
// Before each test the machine is made what a fresh installation is, but for the jobs: tests use queues of their own.

import Foundation
import Harness
import Testing

/// Commands and files of the machine.
enum Machine {
    static let socket = "/run/jobqd/jobqd.sock"
    static let adminSocket = "/run/jobqd/admin.sock"
    /// What tests lay over units and configuration goes here, and away before the next test.
    static let dropIns = "/etc/systemd/system/jobqd.service.d"
    static let settings = "/etc/jobqd/jobqd.conf.d"

    /// The package that `make deb` has built.
    static func package() throws -> String {
        let directory = BuiltProducts.packageDirectory + "/.build/deb"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        guard let name = names.sorted().last(where: { $0.hasSuffix(".deb") }) else {
            throw HarnessError("no package in \(directory): make deb")
        }
        return "\(directory)/\(name)"
    }

    /// Runs a program, looked up in PATH; its standard output. Another exit status than 0 is an error with all it wrote.
    @discardableResult
    static func run(_ program: String, _ arguments: String..., within seconds: Double = 60) throws -> String {
        let result = try attempt(program, arguments, within: seconds)
        guard result.status == 0 else {
            throw HarnessError("\(program) \(arguments): \(result.end)\n\(result.output)\(result.errors)")
        }
        return result.output
    }

    /// The same without judging how it ended.
    static func attempt(_ program: String, _ arguments: [String], within seconds: Double = 60) throws -> Program {
        try Program.run(program, arguments, environment: ["LC_ALL": "C", "SYSTEMD_PAGER": ""], within: seconds)
    }

    @discardableResult
    static func systemctl(_ arguments: String...) throws -> String {
        let result = try attempt("systemctl", arguments)
        guard result.status == 0 else {
            throw HarnessError("systemctl \(arguments): \(result.end)\n\(result.errors)\(try journal())")
        }
        return result.output
    }

    /// A property of a unit, as `systemctl show` prints it.
    static func property(_ name: String, of unit: String = "jobqd.service") throws -> String {
        try run("systemctl", "show", "--property", name, "--value", unit)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The pid of the daemon, which is none in the middle of a restart.
    static func pid(of unit: String = "jobqd.service") throws -> Int32 {
        try eventualValue(within: 20, "a main process of \(unit)") {
            let pid = Int32(try property("MainPID", of: unit)) ?? 0
            return pid > 0 ? pid : nil
        }
    }

    /// The end of what the daemon has logged, for messages.
    static func journal(of unit: String = "jobqd.service") throws -> String {
        try attempt("journalctl", ["--no-pager", "--lines", "40", "--unit", unit]).output
    }

    /// Writes a file of the machine, with the directories above it.
    static func write(_ text: String, to path: String, mode: Int = 0o644) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The daemon with more lines in the unit's [Service] section, or in its configuration; it is restarted.
    static func restart(service: String? = nil, settings: String? = nil) throws {
        if let service { try write("[Service]\n\(service)\n", to: "\(dropIns)/test.conf") }
        if let settings { try write(settings + "\n", to: "\(Self.settings)/test.conf") }
        try systemctl("daemon-reload")
        try systemctl("restart", "jobqd.service")
    }

    /// Waits until the daemon answers with the word of Redis.
    static func serving(on path: String = socket) throws {
        do {
            try eventually(within: 20, "Redis answering") {
                try LineClient(path).request(["op": "ping", "store": true])["ok"] == true
            }
        } catch {
            throw HarnessError("\(error)\n\(try journal())")
        }
    }

    /// A user with a home of its own; `member`: of the daemon's group. Made once.
    static func user(_ name: String, member: Bool) throws -> String {
        if try attempt("id", [name]).status != 0 {
            try run("useradd", "--create-home", name)
            if member { try run("usermod", "--append", "--groups", "jobqd", name) }
        }
        return name
    }

    /// Runs a program as a user, with the user's groups.
    static func run(as user: String, _ command: [String]) throws -> Program {
        try attempt("runuser", ["--user", user, "--"] + command)
    }

    // MARK: Before each test

    /// Installs the package, unless that is done, takes away what an earlier test has changed, and starts the daemon.
    static func reset() throws {
        guard exists("/with-systemd-command"), exists("/run/host/container-manager") else {
            throw HarnessError("these tests change the machine: run them by `make test-system`, in a container")
        }
        for directory in [dropIns, settings] { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: settings, withIntermediateDirectories: true)
        if try attempt("dpkg-query", ["-W", "-f", "${db:Status-Status}", "jobqd"]).output != "installed" {
            try run("dpkg", "--install", package())
        }
        try systemctl("daemon-reload")
        _ = try attempt("systemctl", ["stop", "jobqd.service", "jobqd-metrics.socket"])
        _ = try attempt("systemctl", ["reset-failed"])
        try systemctl("start", "jobqd.service")
        try serving()
    }

    /// Resets the machine before each test of a suite.
    struct Trait: SuiteTrait, TestTrait, TestScoping {
        let isRecursive = true
        func provideScope(
            for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
        ) async throws {
            if !test.isSuite { try Machine.reset() }
            try await function()
        }
    }
}

extension Trait where Self == Machine.Trait {
    /// Each test finds a machine with a freshly started daemon; see `Machine`.
    static var machine: Machine.Trait { Machine.Trait() }
}

/// All tests of the service; one after the other, since there is one machine.
@Suite(.machine, .serialized) struct ServiceTests {}
