// Heads of HTTP requests: what is understood, what is refused with which status, in pieces of any size.

import Testing
import Wire

@Suite struct HTTPRequestTests {
    /// What a reader says of bytes that come in pieces of this size.
    private func read(_ text: String, pieces size: Int = .max) -> HTTPRequestReader.Outcome? {
        var reader = HTTPRequestReader()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(piece.count)
            if let outcome = piece.withUnsafeBytes({ reader.append($0) }) { return outcome }
        }
        return nil
    }

    private func request(_ path: String, isHead: Bool = false) -> HTTPRequestReader.Outcome {
        .request(HTTPRequest(path: path, isHead: isHead))
    }

    @Test(arguments: [1, 2, 3, 7, .max])
    func aRequestIsUnderstoodHoweverItsBytesCome(size: Int) {
        let prometheus = """
            GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9187\r\nUser-Agent: Prometheus/2.42.0\r\nAccept: \
            text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n
            """
        #expect(read(prometheus, pieces: size) == request("/metrics"))
        #expect(read("HEAD /healthz HTTP/1.0\r\n\r\n", pieces: size) == request("/healthz", isHead: true))
        #expect(read("\r\n\n\r\nGET / HTTP/1.0\r\n\r\n", pieces: size) == request("/"))
        #expect(read("GET /a HTTP/1.1\nHost:\n\nrest", pieces: size) == request("/a"))
    }

    @Test func aRequestWithoutItsEmptyLineIsNotOver() {
        for text in ["", "\r\n", "GET", "GET / HTTP/1.0", "GET / HTTP/1.0\r\n", "GET / HTTP/1.0\r\nA: b\r\n\r"] {
            #expect(read(text) == nil, "\(text)")
        }
    }

    @Test(arguments: [
        ("/metrics?a=b?c", "/metrics"), ("/?", "/"), ("http://127.0.0.1:9187/metrics", "/metrics"),
        ("HTTP://x/a?b", "/a"), ("http://x", "/"), ("http://x?y", "/"), ("/%6detrics", "/%6detrics"), ("*", "*"),
        ("//metrics", "//metrics"), ("/../etc/passwd", "/../etc/passwd"),
    ])
    func thePathIsWhatStandsBeforeTheQuery(target: String, path: String) {
        #expect(read("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n") == request(path))
    }

    @Test(arguments: [
        "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.1 x\r\nHost: x\r\n\r\n", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "GET / http/1.1\r\nHost: x\r\n\r\n", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\u{1} HTTP/1.0\r\n\r\n", "GET /é HTTP/1.0\r\n\r\n", "GET ? HTTP/1.0\r\n\r\n", "GET ?/ HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0 \r\n\r\n", " GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.0\r\nHost\r\n\r\n",
        "GET / HTTP/1.0\r\nHost : a\r\n\r\n", "GET / HTTP/1.0\r\n: a\r\n\r\n", "GET / HTTP/1.0\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.0\r\nA: \u{0}\r\n\r\n", "GET / HTTP/1.0\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.0\r\nContent-Length: 1\r\n\r\n", "GET / HTTP/1.0\r\ncontent-length: x\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "{\"op\":\"ping\"}\n\n",
    ])
    func whatIsNotARequestForUsIsABadOne(text: String) {
        #expect(read(text) == .refused(.badRequest), "\(text)")
        #expect(read(text, pieces: 1) == .refused(.badRequest), "\(text)")
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "get", "X-Y"])
    func onlyGetAndHeadAreAllowed(method: String) {
        #expect(
            read("\(method) /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n") == .refused(.methodNotAllowed))
    }

    @Test func aBodyOfNoBytesIsNone() {
        #expect(read("GET /a HTTP/1.0\r\nContent-Length:  0 \r\n\r\n") == request("/a"))
    }

    @Test(arguments: [1, 1_000, .max])
    func aHeadMayHaveEightKiBAndNotAByteMore(size: Int) {
        let start = "GET /a HTTP/1.0\r\nA: "
        let end = "\r\n\r\n"
        let room = HTTPRequestReader.limit - start.utf8.count - end.utf8.count
        #expect(read(start + String(repeating: "x", count: room) + end, pieces: size) == request("/a"))
        #expect(read(start + String(repeating: "x", count: room + 1) + end, pieces: size) == .refused(.headTooLarge))
        #expect(read(String(repeating: "x", count: 9_000), pieces: size) == .refused(.headTooLarge))
    }

    @Test func aReplyTellsItsLengthAndThatItIsTheLast() {
        let reply = HTTPReply(.unavailable, "draining")
        let head = """
            HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\n\
            Cache-Control: no-store\r\nConnection: close\r\n\r\n
            """
        #expect(String(decoding: reply.bytes(isHead: false), as: UTF8.self) == head + "draining\n")
        #expect(String(decoding: reply.bytes(isHead: true), as: UTF8.self) == head)
        let refusal = String(decoding: HTTPReply(refusal: .methodNotAllowed).bytes(isHead: false), as: UTF8.self)
        #expect(refusal.contains("\r\nAllow: GET, HEAD\r\n") && refusal.hasSuffix("\r\n\r\nMethod Not Allowed\n"))
    }
}
