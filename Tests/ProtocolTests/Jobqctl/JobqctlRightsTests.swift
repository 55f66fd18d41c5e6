// jobqctl reload, and jobqctl in the hands of somebody who is no administrator.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct JobqctlRightsTests {
    @Test func reloadSaysWhatChangedAndWhatNeedsARestart() throws {
        let daemon = try Daemon(.memory)
        let jobqctl = AdminTool(daemon: daemon)
        #expect(try jobqctl("reload").output == "reloaded; nothing has changed\n")
        try daemon.directory.write("[Log]\nLevel=debug\n[Limits]\nLineBytes=65536\n", to: "jobqd.conf")
        let reloaded = try jobqctl("reload")
        #expect(reloaded.status == 0 && reloaded.errors.isEmpty)
        #expect(reloaded.output == "reloaded; changed: log-level\nafter a restart: line-bytes\n")
    }

    @Test func wrongConfigurationIsStatus78WithItsPlaces() throws {
        let daemon = try Daemon(.memory)
        let jobqctl = AdminTool(daemon: daemon)
        try daemon.directory.write("[Log]\nLevel=loud\n[Limits]\nLineBytes=few\n", to: "jobqd.conf")
        let refused = try jobqctl("reload")
        #expect(refused.status == 78 && refused.output.isEmpty)
        #expect(refused.errors.contains("jobqd.conf:2: ") && refused.errors.contains("jobqd.conf:4: "))
        #expect(refused.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("jobqctl: ") })
        let raw = try jobqctl("reload", "--json")
        #expect(raw.status == 78 && raw.output.hasPrefix(#"{"ok":true,"reloaded":false,"problems":["#))
    }

    @Test(.enabled(if: OtherUser.isPossible)) func whoIsNoAdministratorLooksOnAndGetsStatus77() throws {
        let daemon = try Daemon.openToAll(.memory)
        try daemon.start()
        // Where the build lies nobody else may be able to go.
        let binary = daemon.directory.file("jobqctl")
        try FileManager.default.copyItem(atPath: AdminTool.path, toPath: binary)
        let run = { (arguments: String...) in
            try Program.run(
                "setpriv", ["--reuid", "65533", "--regid", "65533", "--clear-groups", binary] + arguments,
                environment: ["JOBQD_SOCKET": daemon.socketPath])
        }
        #expect(try run("enqueue", "email", "--ndjson").status == 0)
        #expect(try run("enqueue", "email", "--job-id", "a").output == "email/a\n")
        for arguments in [["status"], ["stats"], ["list", "email"], ["dead", "list"], ["version"]] {
            let result = try Program.run(
                "setpriv", ["--reuid", "65533", "--regid", "65533", "--clear-groups", binary] + arguments,
                environment: ["JOBQD_SOCKET": daemon.socketPath])
            #expect(result.status == 0, "\(arguments) \(result.errors)")
        }
        let refused = try run("queue", "pause", "email")
        #expect(refused.status == 77 && refused.errors.contains("is for administrators"))
        let shown = try run("queue", "show", "email")
        #expect(shown.status == 0 && shown.output.contains("  enqueued") && !shown.output.contains("RULE"))
    }
}
