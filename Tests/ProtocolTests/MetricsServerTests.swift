// /metrics and /healthz over HTTP: on a Unix socket, on TCP, on a passed descriptor, and with clients that misbehave.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(1))) struct MetricsServerTests {
    /// A daemon with a socket for monitoring.
    private struct Server {
        let daemon: Daemon
        let path: String

        init(_ store: Daemon.Store = .memory, ready: Bool = true) throws {
            let folder = try TemporaryDirectory()
            path = folder.file("http")
            daemon = try Daemon(store, arguments: ["--metrics-listen", path], ready: ready)
            self.folder = folder
        }
        private let folder: TemporaryDirectory

        func exchange(_ text: String, within seconds: Double = 10) throws -> HTTPExchange {
            try HTTPExchange(path, text, within: seconds)
        }
    }

    @Test func metricsAreThoseOfTheOperation() throws {
        let server = try Server()
        try server.daemon.connect().enqueue("email")
        let reply = try server.exchange(get("/metrics"))
        #expect(reply.status == 200)
        #expect(reply.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(reply.fields["content-length"] == "\(reply.body.utf8.count)")
        #expect(reply.fields["connection"] == "close")
        let metrics = try MetricSamples(reply.body)
        #expect(try metrics.passesPromtool())
        #expect(metrics["jobqd_jobs{queue=\"email\",state=\"queued\"}"] == 1)
    }

    @Test func healthIsNotWellWhileNobodyCanConnect() throws {
        let server = try Server()
        let (path, client) = (server.daemon.socketPath, try server.daemon.connect())
        rename(path, path + ".away")
        try eventually(within: 10, "the trouble is noticed") { try server.exchange(get("/healthz")).status == 503 }
        let reply = try server.exchange(get("/healthz"))
        #expect(reply.body.contains("unreachable: \(path) does not exist"), "\(reply.body)")
        #expect(try client.call("ping")["ok"] == true, "who is connected is served")
        rename(path + ".away", path)
        try eventually(within: 10, "the return is noticed") { try server.exchange(get("/healthz")).status == 200 }
        let lines = server.daemon.log.split(separator: "\n")
        #expect(lines.count { $0.contains("nobody can connect (client): \(path) does not exist") } == 1, "\(lines)")
        #expect(lines.count { $0.contains("connections arrive again") } == 1, "\(lines)")
    }

    @Test func headGivesTheHeadOfTheSameReply() throws {
        let server = try Server()
        let reply = try server.exchange("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(reply.status == 200 && reply.fields["content-length"] == "3" && reply.body.isEmpty)
    }

    @Test(arguments: [
        (get("/"), 404), (get("/metrics/"), 404), (get("/../etc/passwd"), 404), (get("/healthz?verbose"), 200),
        ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", 405), ("hello\r\n\r\n", 400),
        ("{\"op\":\"ping\"}\n\n", 400), ("GET /metrics HTTP/1.1\r\n\r\n", 400),
        ("GET /metrics HTTP/1.0\r\nA: " + String(repeating: "x", count: 8_192) + "\r\n\r\n", 431),
    ]) func everythingElseIsRefused(request: String, status: Int) throws {
        #expect(try Server().exchange(request).status == status)
    }

    @Test func aHeadWithoutEndIsRefusedAndTheClientGetsToSeeIt() throws {
        let server = try Server()
        let client = try UnixSocket(path: server.path)
        try client.write(Array(("GET / HTTP/1.0\r\nA: " + String(repeating: "x", count: 300_000)).utf8))
        #expect(try HTTPExchange(from: client).status == 431)
        // Once it has its answer it is thrown out like everybody else.
        try eventually(within: 8, "the end") { try client.read(until: Deadline(after: 1))?.isEmpty == true }
    }

    @Test func aSlowClientIsThrownOutAfterFiveSeconds() throws {
        let server = try Server()
        let client = try UnixSocket(path: server.path)
        try client.write(Array("GET /metrics HT".utf8))
        var end: [UInt8]?
        let seconds = try elapsed { () throws in end = try client.read(until: Deadline(after: 15)) }
        #expect(end?.isEmpty == true)
        #expect(seconds > 4.5, "\(seconds)")
    }

    @Test func aClientThatDoesNotReadIsThrownOutToo() throws {
        let server = try Server()
        let jobs = (0..<400).map { JSON.object(["queue": JSON("a-queue-with-a-rather-long-name-\($0)")]) }
        try server.daemon.connect().call("enqueue", ["jobs": JSON(jobs)])
        let observer = try server.daemon.connect()
        let before = try eventualMetrics(observer) {
            $0["jobqd_jobs_enqueued_total{queue=\"a-queue-with-a-rather-long-name-7\"}"] == 1
        }
        let client = try UnixSocket(path: server.path)
        try client.write(Array(get("/metrics").utf8))
        let open = before["process_open_fds"]!
        try eventually(within: 5, "its connection") { try MetricSamples(of: observer)["process_open_fds"]! == open + 1 }
        try eventually(within: 9, "its end") { try MetricSamples(of: observer)["process_open_fds"]! == open }
        withExtendedLifetime(client) {}
    }

    @Test func theThirtyThirdConnectionWaitsForAPlace() throws {
        let server = try Server()
        let first = try (0..<32).map { _ in try UnixSocket(path: server.path) }
        let next = try UnixSocket(path: server.path)
        try next.write(Array(get("/healthz").utf8))
        #expect(try next.read(until: Deadline(after: 0.3)) == nil)
        // Clients are not concerned.
        try server.daemon.connect().call("ping")
        first[7].close()
        #expect(try HTTPExchange(from: next).body == "ok\n")
        withExtendedLifetime(first) {}
    }

    @Test func aDrainingDaemonIsNotHealthy() throws {
        let server = try Server()
        #expect(try server.exchange(get("/healthz")).body == "ok\n")
        try server.daemon.connect().call("drain")
        let reply = try server.exchange(get("/healthz"))
        #expect(reply.status == 503 && reply.body == "draining\n")
        #expect(try MetricSamples(server.exchange(get("/metrics")).body)["jobqd_draining"] == 1)
    }

    @Test func whoAsksADaemonThatHasJustBegunIsAnsweredWhenItsRedisIsThere() throws {
        let server = try Server(.own, ready: false)
        let first = try eventualValue(within: 10, "the socket") { try? server.exchange(get("/healthz")) }
        #expect(first.body == "ok\n")
    }

    @Test func withoutRedisADaemonIsNotHealthyAndSaysWhy() throws {
        let redis = try RedisServer()
        let server = try Server(.redis(redis))
        #expect(try server.exchange(get("/healthz")).status == 200)
        redis.suspend()
        var hung: HTTPExchange?
        let seconds = try elapsed { () throws in hung = try server.exchange(get("/healthz")) }
        #expect(hung?.status == 503 && hung?.body.hasPrefix("Redis does not answer") == true)
        #expect(seconds < 4, "\(seconds)")
        redis.resume()
        try eventually { try server.exchange(get("/healthz")).status == 200 }
        redis.kill()
        try eventually { try server.exchange(get("/healthz")).body.hasPrefix("Redis is away: ") }
        #expect(try MetricSamples(server.exchange(get("/metrics")).body)["jobqd_redis_up"] == 0)
        try redis.start()
        try eventually { try server.exchange(get("/healthz")).status == 200 }
    }

    @Test(arguments: ["127.0.0.1", "127.1.2.3", "[::1]"])
    func anotherProgramsClientReadsThemOverTCP(host: String) throws {
        let port = try LoopbackPort.free()
        let daemon = try Daemon(.memory, arguments: ["--metrics-listen", "\(host):\(port)"])
        #expect(daemon.log.contains("\(host):\(port)"))
        #expect(try fetch("http://\(host):\(port)/healthz") == "200 ok\n")
        #expect(try fetch("http://\(host):\(port)/metrics").hasPrefix("200 # HELP jobqd_"))
        // At once again on the same port, though connections of the first are not quite over.
        try daemon.terminate()
        try daemon.start()
        #expect(try fetch("http://\(host):\(port)/healthz") == "200 ok\n")
    }

    @Test func aPortThatIsTakenIsSaidInWords() throws {
        let port = try LoopbackPort.free()
        let first = try Daemon(.memory, arguments: ["--metrics-listen", "127.0.0.1:\(port)"])
        let second = try Daemon(.memory, arguments: ["--metrics-listen", "127.0.0.1:\(port)"], start: false)
        #expect(try second.launch().waitForEnd() == .exited(69))
        #expect(second.log.contains("another process is listening on 127.0.0.1:\(port)"))
        withExtendedLifetime(first) {}
    }

    @Test func aPassedDescriptorNamedMetricsSpeaksHTTP() throws {
        let folder = try TemporaryDirectory()
        let (clients, port) = (folder.file("clients"), try LoopbackPort.free())
        let daemon = try Daemon(
            .memory,
            wrapper: [
                "systemd-socket-activate", "-l", clients, "-l", "127.0.0.1:\(port)", "--fdname=jobqd:metrics", "--",
            ], start: false)
        try daemon.launch()
        // The first connection has the daemon started.
        let client = try eventualValue(within: 10, "the socket") { try? LineClient(clients) }
        try client.call("ping")
        #expect(try fetch("http://127.0.0.1:\(port)/healthz") == "200 ok\n")
    }

    @Test func passedSocketsForClientsDoNotTakeThePlaceOfTheConfiguredOneForMonitoring() throws {
        let folder = try TemporaryDirectory()
        let (clients, path) = (folder.file("clients"), folder.file("http"))
        let daemon = try Daemon(
            .memory, arguments: ["--metrics-listen", path],
            wrapper: ["systemd-socket-activate", "-l", clients, "--"], start: false)
        try daemon.launch()
        let client = try eventualValue(within: 10, "the socket") { try? LineClient(clients) }
        try client.call("ping")
        #expect(try HTTPExchange(path, get("/healthz")).status == 200)
    }

    /// `STATUS BODY` of a GET by a client of another make.
    private func fetch(_ url: String) throws -> String {
        let program = """
            import sys, urllib.request
            reply = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=10)
            sys.stdout.write("%d %s" % (reply.status, reply.read().decode()))
            """
        let fetched = try Program.run("python3", ["-c", program, url])
        guard fetched.status == 0 else { throw HarnessError("\(url): \(fetched.errors)") }
        return fetched.output
    }
}
