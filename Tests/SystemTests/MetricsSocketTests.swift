// The metrics over HTTP as the service offers them: on a socket that systemd opens and hands over, under the whole sandbox.

import Foundation
import Harness
import Testing

extension ServiceTests {
    @Suite(.timeLimit(.minutes(1))) struct MetricsSocketTests {
        @Test func theSocketOfTheUnitAnswersOverHTTP() throws {
            try Machine.systemctl("enable", "jobqd-metrics.socket")
            defer { _ = try? Machine.systemctl("disable", "jobqd-metrics.socket") }
            try Machine.systemctl("restart", "jobqd.service")
            try Machine.serving()
            #expect(try fetch("/healthz") == "200 ok\n")
            let metrics = try fetch("/metrics")
            // What is read below /proc, and by system calls that a filter may refuse, is there too.
            for name in [
                "jobqd_redis_up 1", "process_open_fds ", "process_max_fds ", "process_resident_memory_bytes ",
                "process_cpu_seconds_total ",
            ] { #expect(metrics.contains("\n\(name)"), "\(name)") }
        }

        /// `STATUS BODY` of a GET.
        private func fetch(_ path: String) throws -> String {
            let program = """
                import sys, urllib.request
                reply = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=10)
                sys.stdout.write("%d %s" % (reply.status, reply.read().decode()))
                """
            return try Machine.run("python3", "-c", program, "http://127.0.0.1:9187\(path)")
        }
    }
}
