// HTTP for monitoring systems: GET /metrics and /healthz, and nothing else.
//
// It is small on purpose: one request a connection, no body, no rights (the socket's place decides who gets here), at most
// 32 connections, each with five seconds from its beginning to its end, whatever it does in them. The connections are in
// the same set as those of clients, so nothing here can hold up the loop.

import Reactor
import Wire

/// The connections of monitoring systems.
final class HTTPServer {
    private unowned let broker: Broker
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private lazy var deadlines = Deadlines<HTTPConnection>(loop: broker.loop) { $0.stream.close() }

    /// Connections at a time; further ones wait in the kernel's queue.
    static let connectionLimit = 32
    /// What a connection may take in all.
    private static let patienceUs: UInt64 = 5_000_000

    init(broker: Broker) { self.broker = broker }

    var hasRoom: Bool { connections.count < Self.connectionLimit }

    func take(_ stream: ByteStream) {
        let connection = HTTPConnection(stream: stream, server: self)
        connections[ObjectIdentifier(connection)] = connection
        deadlines.set(connection, to: broker.loop.now + Self.patienceUs)
    }

    func ended(_ connection: HTTPConnection) {
        connections[ObjectIdentifier(connection)] = nil
        deadlines.set(connection, to: nil)
        broker.onRoom?()
    }

    /// Finds out what is asked for; `then` may come in a later turn.
    func reply(to request: HTTPRequest, then: @escaping (HTTPReply) -> Void) {
        switch request.path {
        case "/metrics":
            broker.metrics.text { then(HTTPReply(.ok, contentType: MetricsText.contentType, body: $0)) }
        case "/healthz":
            broker.health { problem in
                then(problem.map { HTTPReply(.unavailable, $0) } ?? HTTPReply(.ok, "ok"))
            }
        default: then(HTTPReply(refusal: .notFound))
        }
    }
}

/// One connection, from accept to close.
final class HTTPConnection: ByteStreamDelegate, AgendaItem {
    private enum Phase {
        case reading
        case answering(isHead: Bool)
        /// Refused, with bytes perhaps on their way that nobody wants: closing at once would reset the connection, and
        /// the peer might not see the answer. They are thrown away until it closes, or its time is over.
        case lingering
        case closing
    }

    let stream: ByteStream
    private unowned let server: HTTPServer
    private var reader = HTTPRequestReader()
    private var phase = Phase.reading
    var agendaTime: UInt64?
    var agendaEntry: UInt64?

    init(stream: ByteStream, server: HTTPServer) {
        self.stream = stream
        self.server = server
        stream.delegate = self
    }

    func streamDidRead(_ stream: ByteStream, _ bytes: UnsafeRawBufferPointer) {
        guard case .reading = phase, let outcome = reader.append(bytes) else { return }
        switch outcome {
        case .request(let request):
            phase = .answering(isHead: request.isHead)
            server.reply(to: request) { [self] in answer($0) }
        case .refused(let status):
            phase = .lingering
            stream.write(HTTPReply(refusal: status).bytes(isHead: false))
        }
    }

    func streamDidEndInput(_ stream: ByteStream) {
        switch phase {
        case .reading, .lingering: stream.closeAfterFlush()
        case .answering, .closing: break
        }
    }

    func streamDidClose(_ stream: ByteStream, reason: CloseReason) {
        phase = .closing
        server.ended(self)
    }

    private func answer(_ reply: HTTPReply) {
        guard case .answering(let isHead) = phase else { return }
        phase = .closing
        stream.write(reply.bytes(isHead: isHead))
        stream.closeAfterFlush()
    }
}
