// The unit files as systemd judges them, and what they make of the sockets: no misspelt key, how much a break-in would
// get, who may open what.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct UnitFileTests {
        @Test func systemdFindsNothingToComplainAboutInTheUnitFiles() throws {
            let directory = "/lib/systemd/system"
            let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasPrefix("jobqd") }
            let units = names.filter { name in [".service", ".socket", ".target"].contains(where: name.hasSuffix) }
                .map { "\(directory)/\($0)" }
            #expect(units.count == 9, "\(units)")
            // Without the first option a misspelt key is only a warning. Whether the pages named in Documentation= are there
            // is looked for elsewhere: systemd would need a manual reader for it.
            let arguments = ["verify", "--recursive-errors=no", "--man=no"] + units
            let result = try Machine.attempt("systemd-analyze", arguments)
            #expect(result.status == 0 && result.errors == "", "\(result.errors)")
        }

        @Test func everyPageThatAUnitNamesIsInstalled() throws {
            let units = try Machine.run(
                "systemctl", "cat", "jobqd.service", "jobqd.socket", "jobqd.target", "jobqd@x.service")
            let pages = Set(
                units.split(separator: "\n").filter { $0.hasPrefix("Documentation=") }
                    .flatMap { $0.split(separator: "=")[1].split(separator: " ") })
            #expect(pages.count >= 3, "\(pages)")
            for page in pages {
                let parts = page.dropFirst("man:".count).dropLast().split(separator: "(")
                #expect(Machine.exists("/usr/share/man/man\(parts[1])/\(parts[0]).\(parts[1]).gz"), "\(page)")
            }
        }

        @Test func theTemplateOfInstancesIsTheServiceButForItsNames() throws {
            func settings(_ unit: String) throws -> [String] {
                try Machine.run("systemctl", "cat", unit).split(separator: "\n").map(String.init)
                    .filter { !$0.hasPrefix("#") }
            }
            let names = [
                (":jobqd-%i.redis-password", ""), ("@%i.socket", ".socket"),
                ("Job queue daemon %i", "Job queue daemon"), ("jobqd/%i/", "jobqd/"),
                ("/jobqd/%i.conf", "/jobqd/jobqd.conf"), ("jobqd-%i", "jobqd"),
            ]
            let template = try settings("jobqd@.service").map { line in
                names.reduce(line) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
            }
            #expect(try template == settings("jobqd.service"))
        }

        @Test func aMisspeltKeyWouldBeSeen() throws {
            try Machine.write("[Service]\nProtectHoem=yes\n", to: "\(Machine.dropIns)/test.conf")
            let result = try Machine.attempt("systemd-analyze", ["verify", "--recursive-errors=no", "jobqd.service"])
            #expect(result.status != 0 && result.errors.contains("ProtectHoem"), "\(result.errors)")
        }

        @Test(arguments: ["jobqd.service", "jobqd@one.service"])
        func theSandboxScoresAtMost14WithRedisOverTCP(unit: String) throws {
            let result = try Machine.attempt("systemd-analyze", ["security", "--threshold=14", unit])
            #expect(result.status == 0, "\(result.output)")
        }

        @Test func withoutTheNetworkTheSandboxScoresAtMost06AndTheDaemonServes() throws {
            let example = "/usr/share/doc/jobqd/examples/unix-redis.conf"
            try Machine.write(
                String(contentsOfFile: example, encoding: .utf8), to: "\(Machine.dropIns)/unix-redis.conf")
            try Machine.restart()
            let result = try Machine.attempt("systemd-analyze", ["security", "--threshold=6", "jobqd.service"])
            #expect(result.status == 0, "\(result.output)")
            try Machine.serving()
        }

        @Test func theSocketsBelongToTheGroupAndToTheDaemonAlone() throws {
            #expect(try Machine.run("stat", "-c", "%U:%G %a", Machine.socket) == "root:jobqd 660\n")
            #expect(try Machine.run("stat", "-c", "%U:%G %a", Machine.adminSocket) == "jobqd:jobqd 600\n")
            #expect(try Machine.run("stat", "-c", "%U:%G %a", "/run/jobqd") == "root:root 755\n")
            #expect(try Machine.run("stat", "-c", "%U:%G %a", "/var/lib/jobqd") == "jobqd:jobqd 700\n")
        }

        @Test func theDaemonRunsAsItsUserWithoutAnyCapability() throws {
            let status = try String(contentsOfFile: "/proc/\(Machine.pid())/status", encoding: .utf8)
            let user = try Machine.run("id", "-u", "jobqd").trimmingCharacters(in: .newlines)
            #expect(status.contains("Uid:\t\(user)\t\(user)\t\(user)\t\(user)\n"))
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(status.contains("\(set):\t0000000000000000\n"), "\(status)")
            }
            #expect(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"), "\(status)")
        }
    }
}
