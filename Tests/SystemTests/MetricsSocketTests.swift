// The optional socket for monitoring: over the loopback address, or a Unix socket, also when the sandbox has no network.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct MetricsSocketTests {
        @Test(arguments: [false, true])
        func metricsAreServedOverHTTPOnceTheSocketIsEnabled(withoutNetwork: Bool) throws {
            defer { _ = try? Machine.systemctl("disable", "--now", "jobqd-metrics.socket") }
            if withoutNetwork {
                let example = "/usr/share/doc/jobqd/examples/unix-redis.conf"
                try Machine.write(String(contentsOfFile: example, encoding: .utf8), to: "\(Machine.dropIns)/test.conf")
            }
            try Machine.systemctl("enable", "jobqd-metrics.socket")
            try Machine.systemctl("daemon-reload")
            try Machine.systemctl("restart", "jobqd.service")
            try Machine.serving()
            try LineClient(Machine.socket).enqueue("measured", ["payload": 1])
            let metrics = try get("/metrics", from: "/dev/tcp/127.0.0.1/9187")
            #expect(metrics.hasPrefix("HTTP/1.1 200 "), "\(metrics)")
            // What is read below /proc, and by system calls that a filter may refuse, is there too.
            for name in [
                "jobqd_redis_up 1", #"jobqd_jobs{queue="measured""#, "process_open_fds ", "process_max_fds ",
                "process_resident_memory_bytes ", "process_cpu_seconds_total ",
            ] { #expect(metrics.contains("\n\(name)"), "\(name)") }
            #expect(try get("/healthz", from: "/dev/tcp/127.0.0.1/9187").hasPrefix("HTTP/1.1 200 "))
        }

        @Test func healthIsNotWellWhileRedisIsAway() throws {
            defer { _ = try? Machine.systemctl("disable", "--now", "jobqd-metrics.socket") }
            try Machine.systemctl("enable", "jobqd-metrics.socket")
            try Machine.restart(settings: "[Redis]\nUrl=unix:///run/nobody.sock")
            let answer = try get("/healthz", from: "/dev/tcp/127.0.0.1/9187")
            #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(answer)")
        }

        private func get(_ path: String, from place: String) throws -> String {
            let script =
                #"exec 3<>"$0"; printf 'GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "$1" >&3; cat <&3"#
            return try Machine.run("bash", "-c", script, place, path, within: 10)
        }
    }
}
