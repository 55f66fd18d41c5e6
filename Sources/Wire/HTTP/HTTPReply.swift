// HTTP replies of a server that closes after each: status, a text, nothing else (RFC 9112).

/// The statuses that are given.
public enum HTTPStatus: Int, Sendable, CaseIterable {
    case ok = 200
    case badRequest = 400
    case notFound = 404
    case methodNotAllowed = 405
    case headTooLarge = 431
    case unavailable = 503

    /// In the words of RFC 9110 and RFC 6585.
    public var reason: StaticString {
        switch self {
        case .ok: "OK"
        case .badRequest: "Bad Request"
        case .notFound: "Not Found"
        case .methodNotAllowed: "Method Not Allowed"
        case .headTooLarge: "Request Header Fields Too Large"
        case .unavailable: "Service Unavailable"
        }
    }
}

/// One reply.
public struct HTTPReply: Sendable {
    public var status: HTTPStatus
    public var contentType: String
    public var body: [UInt8]

    public init(_ status: HTTPStatus, contentType: String, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// One line for people.
    public init(_ status: HTTPStatus, _ line: String) {
        self.init(status, contentType: "text/plain; charset=utf-8", body: Array("\(line)\n".utf8))
    }

    /// A refusal that says no more than its status.
    public init(refusal status: HTTPStatus) { self.init(status, "\(status.reason)") }

    /// The bytes to send. `isHead`: without the body, whose length is told all the same.
    public func bytes(isHead: Bool) -> [UInt8] {
        var head = "HTTP/1.1 \(status.rawValue) \(status.reason)\r\n"
        head += "Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n"
        if status == .methodNotAllowed { head += "Allow: GET, HEAD\r\n" }
        head += "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        return Array(head.utf8) + (isHead ? [] : body)
    }
}
