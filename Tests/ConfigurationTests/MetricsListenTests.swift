// Where metrics are served: addresses of this machine only.

import Harness
import Reactor
import Testing

@testable import jobqd

@Suite struct MetricsListenTests {
    @Test(arguments: ["127.0.0.1:9187", "127.9.8.7:1", "[::1]:65535", "/run/jobqd/metrics.sock", "./metrics.sock"])
    func anAddressOfThisMachineOrAPathIsTaken(text: String) throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("")
        #expect(try sandbox.configuration().metricsListen == nil)
        try sandbox.write("[Metrics]\nListen=\(text)\n")
        #expect(try sandbox.configuration().metricsListen == text)
        #expect(
            try sandbox.configuration(environment: ["JOBQD_METRICS_LISTEN": "127.0.0.1:5"]).metricsListen
                == "127.0.0.1:5")
        #expect(try sandbox.configuration(["--metrics-listen", "127.0.0.1:6"]).metricsListen == "127.0.0.1:6")
        #expect(try sandbox.printed(["--dump-config"]).contains("jobqd.conf:2\nListen=\(text)\n"))
    }

    @Test(arguments: [
        "0.0.0.0:9187", "192.168.1.1:9187", "[::]:9187", "[fe80::1]:9187", "localhost:9187", "9187", ":9187",
        "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+80", "::1:9187", "127.1:9187", "x",
    ]) func anyOtherIsRefusedInWords(text: String) throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Metrics]\nListen=\(text)\n")
        let failure = try sandbox.failure()
        #expect(
            failure.lines == [
                "jobqd.conf:2: Listen must be an address of this machine like 127.0.0.1:9187 or [::1]:9187, or the path of a"
                    + " Unix socket (other addresses are for systemd to pass), not \"\(text)\""
            ])
        #expect(failure.exitCode == 78)
    }

    @Test func itMustNotBeTheSocketOfOthers() throws {
        let sandbox = try ConfigurationSandbox()
        try sandbox.write("[Server]\nSocket=/a\nAdminSocket=/b\n[Metrics]\nListen=/b\n")
        #expect(try sandbox.failure().lines == ["the metrics are to be served on another's socket: /b"])
    }

    @Test func theConfiguredPlaceIsServedAsMetrics() {
        var configuration = Configuration()
        configuration.socket = "/a"
        for place in ["/c", "127.0.0.1:9187"] {
            configuration.metricsListen = place
            #expect(ServerSocket.all(configuration).map(\.role) == [.client, .metrics])
        }
    }
}
