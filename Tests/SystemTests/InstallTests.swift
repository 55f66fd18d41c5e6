// make install and make uninstall, without the package: below another prefix, and as a service of the machine.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(2))) struct InstallTests {
        @Test func everyPlaceCanBeChosenAndUninstallTakesAllButTheConfigurationAway() throws {
            let root = try TemporaryDirectory()
            let places = ["DESTDIR=\(root.path)", "PREFIX=/opt/jobqd", "SYSCONFDIR=/opt/etc", "UNITDIR=/opt/units"]
            try make(["install-files"] + places)
            let unit = root.read("opt/units/jobqd.service")
            #expect(unit.contains("ExecStart=/opt/jobqd/bin/jobqd --config -/opt/etc/jobqd/jobqd.conf\n"), "\(unit)")
            #expect(unit.contains("ExecReload=/opt/jobqd/bin/jobqctl reload"), "\(unit)")
            #expect(unit.contains("ExecStopPost=-+/opt/jobqd/lib/jobqd/after-stop %n jobqd.socket "), "\(unit)")
            #expect(root.read("opt/units/jobqd@.service").contains("--config -/opt/etc/jobqd/%i.conf"))
            #expect(try Machine.run(root.file("opt/jobqd/bin/jobqd"), "--version").hasPrefix("jobqd "))
            try make(["uninstall"] + places)
            let left = try Machine.run("find", root.path, "-type", "f").replacing(root.path, with: "")
            #expect(left == "/opt/etc/jobqd/jobqd.conf\n", "\(left)")
        }

        @Test(arguments: [("252", false), ("254", true), ("257", true), ("", false)])
        func thePauseBeforeARestartGrowsWhereSystemdCanDoThat(version: String, grows: Bool) throws {
            let root = try TemporaryDirectory()
            try make(["install-files", "DESTDIR=\(root.path)", "UNITDIR=/units", "SYSTEMD_VERSION=\(version)"])
            for name in ["jobqd.service", "jobqd@.service"] {
                let lines = root.read("units/\(name)").split(separator: "\n")
                #expect(lines.contains("RestartSec=2s"))
                #expect(lines.contains { $0.hasPrefix("RestartSteps=") } == grows)
                #expect(lines.contains { $0.hasPrefix("RestartMaxDelaySec=") } == grows)
            }
        }

        @Test func thePackageHasTheFilesOfInstallAndWhatDebianAdds() throws {
            let root = try TemporaryDirectory()
            try make(["install-files", "DESTDIR=\(root.path)", "PREFIX=/usr"])
            let files = try Machine.run("find", root.path, "-type", "f").replacing(root.path, with: "")
            let list = #"dpkg-deb --contents "$0" | awk '$1 ~ /^-/ { print substr($6, 2) }'"#
            let listed = try Machine.run("bash", "-c", list, Machine.package())
            let ours = Set(files.split(separator: "\n").map { name(withoutCompression: $0) })
            let theirs = Set(listed.split(separator: "\n").map { name(withoutCompression: $0) })
            let documents = "/usr/share/doc/jobqd"
            #expect(ours.subtracting(theirs) == ["\(documents)/LICENSE", "\(documents)/CHANGELOG.md"])
            let added = ["changelog", "changelog.Debian", "copyright"].map { "\(documents)/\($0)" }
            #expect(theirs.subtracting(ours) == Set(added))
        }

        @Test func whatIsBelowUsrLocalRunsAsAServiceToo() throws {
            try Machine.run("dpkg", "--purge", "jobqd")
            try make(["install-files", "PREFIX=/usr/local"])
            try Machine.run("systemd-sysusers")
            try Machine.run("systemd-tmpfiles", "--create", "jobqd.conf")
            try Machine.systemctl("daemon-reload")
            try Machine.systemctl("enable", "--now", "jobqd.service")
            try Machine.serving()
            #expect(try Machine.property("FragmentPath") == "/usr/local/lib/systemd/system/jobqd.service")
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(Machine.pid())/exe")
            #expect(program == "/usr/local/bin/jobqd")
            try Machine.systemctl("disable", "--now", "jobqd.service", "jobqd.socket", "jobqd-admin.socket")
            #expect(!Machine.exists(Machine.socket))
            try make(["uninstall", "PREFIX=/usr/local"])
            #expect(try Machine.run("find", "/usr/local", "-name", "*jobq*") == "")
        }

        private func name(withoutCompression path: Substring) -> String {
            path.hasSuffix(".gz") ? String(path.dropLast(3)) : String(path)
        }

        private func make(_ arguments: [String]) throws {
            let directory = ["--silent", "--directory", BuiltProducts.packageDirectory]
            let result = try Machine.attempt("make", directory + arguments)
            guard result.status == 0 else { throw HarnessError("make \(arguments): \(result.errors)") }
        }
    }
}
