// The package over its life: what it puts where, what an upgrade leaves running, what removal and purge leave behind.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(2))) struct PackageTests {
        @Test func theProgramsAreSmallHardenedAndFreeOfPaths() throws {
            for program in ["/usr/bin/jobqd", "/usr/bin/jobqctl"] {
                let dynamic = try Machine.run("readelf", "--wide", "--dynamic", program)
                #expect(!dynamic.contains("RUNPATH") && !dynamic.contains("RPATH"), "\(dynamic)")
                #expect(dynamic.contains("BIND_NOW") && dynamic.contains("PIE"), "\(dynamic)")
                #expect(!dynamic.contains("libswift") && !dynamic.contains("libFoundation"), "\(dynamic)")
                #expect(try Machine.run("readelf", "--wide", "--segments", program).contains("GNU_RELRO"))
                #expect(try !Machine.run("readelf", "--wide", "--sections", program).contains(".symtab"))
            }
            let size = try FileManager.default.attributesOfItem(atPath: "/usr/bin/jobqd")[.size] as? Int ?? .max
            #expect(size <= 12 << 20, "\(size) bytes")
            try Machine.run(BuiltProducts.packageDirectory + "/.ci/no-foundation", "/usr/bin/jobqd")
        }

        @Test func aFreshInstallationServesAtOnceAndAtEveryBoot() throws {
            try Machine.run("dpkg", "--purge", "jobqd")
            try Machine.run("dpkg", "--install", Machine.package())
            for unit in ["jobqd.service", "jobqd.socket", "jobqd-admin.socket"] {
                #expect(try Machine.property("ActiveState", of: unit) == "active")
                #expect(try Machine.property("UnitFileState", of: unit) == "enabled")
            }
            #expect(try Machine.property("UnitFileState", of: "jobqd-metrics.socket") == "disabled")
            #expect(try LineClient(Machine.socket).request(["op": "ping"])["ok"] == true)
        }

        @Test func theInstalledConfigurationIsTheDefaultAndValid() throws {
            let check = try Machine.run("jobqd", "--check-config")
            #expect(check.contains("/etc/jobqd/jobqd.conf"), "\(check)")
            // Every setting stands in it, commented out, below words about it.
            let file = try String(contentsOfFile: "/etc/jobqd/jobqd.conf", encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            let dump = try Machine.run("jobqd", "--config", "/dev/null", "--dump-config")
            let keys = dump.split(separator: "\n").filter { $0.contains("=") }.map { line in
                line.drop { $0 == "#" }.prefix { $0 != "=" }
            }
            #expect(keys.count > 10)
            for key in keys {
                let line = try #require(file.firstIndex { $0.hasPrefix("#\(key)=") }, "\(key)")
                #expect(file[line - 1].hasPrefix("# "), "\(key)")
            }
        }

        @Test func anUpgradeKeepsTheSocketsOpenAndTheJobsAndTheConfiguration() throws {
            try Machine.write("[Limits]\nMaxConnections=77\n", to: "\(Machine.settings)/mine.conf")
            let client = try LineClient(Machine.socket)
            try client.enqueueMany("upgraded", 10)
            try Machine.write("", to: "/etc/jobqd/fifth.conf")
            try Machine.systemctl("start", "jobqd@fifth.service")
            defer {
                _ = try? Machine.systemctl(
                    "stop", "jobqd@fifth.service")
            }
            let socket = try Machine.property("ActiveEnterTimestampMonotonic", of: "jobqd.socket")
            let pid = try Machine.pid()
            let instance = try Machine.pid(of: "jobqd@fifth.service")
            let traffic = Traffic(queue: "upgrade", producers: 1, workers: 1)
            try Machine.run("dpkg", "--install", next(of: Machine.package()), within: 120)
            try traffic.finish(within: 60)
            #expect(traffic.seen.problems == [] && traffic.seen.refusals == [] && traffic.seen.lostLinks > 0)
            #expect(try Machine.pid() != pid, "the new daemon runs")
            #expect(try Machine.pid(of: "jobqd@fifth.service") != instance, "of the instance too")
            #expect(try Machine.property("ActiveEnterTimestampMonotonic", of: "jobqd.socket") == socket)
            #expect(try LineClient(Machine.socket).stats("upgraded")["depth"]["queued"] == 10)
            #expect(try Machine.run("jobqd", "--dump-config").contains("MaxConnections=77"))
        }

        @Test func removalKeepsConfigurationAndJobs() throws {
            try LineClient(Machine.socket).enqueueMany("removed", 5)
            let output = try Machine.run("dpkg", "--remove", "jobqd")
            #expect(!output.lowercased().contains("fail"), "\(output)")
            #expect(Machine.exists("/etc/jobqd/jobqd.conf") && Machine.exists("/var/lib/jobqd/appendonlydir"))
            #expect(!Machine.exists("/run/jobqd") && !Machine.exists("/usr/bin/jobqd"))
            #expect(try Machine.attempt("pgrep", ["-u", "jobqd"]).status == 1, "nothing runs any more")
            try Machine.run("dpkg", "--install", Machine.package())
            try Machine.serving()
            #expect(try LineClient(Machine.socket).stats("removed")["depth"]["queued"] == 5)
        }

        @Test func purgeLeavesNothingThatSystemdWouldLookFor() throws {
            try Machine.write("", to: "/etc/jobqd/other.conf")
            try Machine.systemctl("enable", "--now", "jobqd@other.service")
            try Machine.systemctl("enable", "jobqd-metrics.socket")
            try Machine.systemctl("restart", "jobqd.service")
            #expect(try Machine.property("ActiveState", of: "jobqd-metrics.socket") == "active")
            try Machine.run("install", "-d", "/var/lib/jobqd-backup-of-somebody")
            let result = try Machine.attempt("dpkg", ["--purge", "jobqd"])
            #expect(result.status == 0)
            for word in ["fail", "not found", "warning", "could not"] {
                #expect(!(result.output + result.errors).lowercased().contains(word), "\(result)")
            }
            let units = try Machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "jobqd*")
            #expect(units == "")
            #expect(try Machine.attempt("systemctl", ["list-unit-files", "--no-legend", "jobqd*"]).output == "")
            #expect(try Machine.run("find", "/etc/systemd", "/var/lib/systemd", "-name", "*jobqd*") == "")
            let left = try Machine.run("find", "/etc", "/usr/lib", "/usr/share/man", "/run", "-name", "jobqd*")
            #expect(left == "", "\(left)")
            #expect(!Machine.exists("/var/lib/jobqd") && !Machine.exists("/var/lib/jobqd-other"))
            #expect(Machine.exists("/var/lib/jobqd-backup-of-somebody"))
        }

        /// The package once more, with a higher version.
        private func next(of package: String) throws -> String {
            let tree = "/tmp/jobqd-next"
            try Machine.run("rm", "-rf", tree)
            try Machine.run("dpkg-deb", "--raw-extract", package, tree)
            try Machine.run("sed", "-i", "s/^Version: .*/&.1/", "\(tree)/DEBIAN/control")
            try Machine.run("dpkg-deb", "-Znone", "--build", tree, "\(tree).deb")
            return "\(tree).deb"
        }
    }
}
