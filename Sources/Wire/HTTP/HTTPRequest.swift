// The head of an HTTP request, as far as a server must understand it that answers GET and nothing else (RFC 9112).
//
// Bytes come in pieces of any size; at the empty line behind the head it is judged as a whole. Bodies are not read: a
// request with one is refused. Paths are compared as they are sent, so percent signs are not decoded. Memory is bounded by
// the limit and one read.

/// What is asked for.
public struct HTTPRequest: Equatable, Sendable {
    /// As sent, without a query.
    public var path: String
    /// Only the head of the reply is wanted.
    public var isHead: Bool

    public init(path: String, isHead: Bool = false) {
        self.path = path
        self.isHead = isHead
    }
}

/// Takes the bytes of one connection until they are a request.
public struct HTTPRequestReader {
    /// Bytes of a head, its empty line included.
    public static let limit = 8_192

    /// What became of the bytes.
    public enum Outcome: Equatable, Sendable {
        case request(HTTPRequest)
        case refused(HTTPStatus)
    }

    private var buffer: [UInt8] = []
    /// Up to here there is no end of the head.
    private var searched = 0

    public init() {}

    /// Takes what was read. nil: there must be more. Once it has said something it is not asked again.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) -> Outcome? {
        buffer.append(contentsOf: bytes)
        dropEmptyLines()
        guard let end = findEnd() else { return buffer.count > Self.limit ? .refused(.headTooLarge) : nil }
        guard end <= Self.limit else { return .refused(.headTooLarge) }
        return Self.judge(buffer[..<end])
    }

    /// RFC 9112, section 2.2: empty lines in front of a request are ignored. They are not kept either.
    private mutating func dropEmptyLines() {
        guard let first = buffer.first, first == 0x0D || first == 0x0A else { return }
        buffer = Array(buffer.drop { $0 == 0x0D || $0 == 0x0A })
    }

    /// Where the head ends: behind an empty line, be it ended by `\r\n` or, as the RFC allows, by `\n`.
    private mutating func findEnd() -> Int? {
        var index = max(searched, 1)
        while index < buffer.count {
            if buffer[index] == 0x0A {
                let before = buffer[index - 1] == 0x0D && index > 1 ? index - 2 : index - 1
                if buffer[before] == 0x0A { return index + 1 }
            }
            index += 1
        }
        searched = buffer.count
        return nil
    }

    // MARK: The whole head

    private static func judge(_ head: ArraySlice<UInt8>) -> Outcome {
        let lines = head.split(separator: 0x0A).map { $0.last == 0x0D ? $0.dropLast() : $0 }
        guard let line = lines.first.flatMap(RequestLine.init),
            let fields = Fields(lines.dropFirst().filter { !$0.isEmpty })
        else { return .refused(.badRequest) }
        guard fields.hosts == 1 || (line.isOldVersion && fields.hosts == 0) else { return .refused(.badRequest) }
        guard line.method == "GET" || line.method == "HEAD" else { return .refused(.methodNotAllowed) }
        guard !fields.hasBody else { return .refused(.badRequest) }
        return .request(HTTPRequest(path: line.path, isHead: line.method == "HEAD"))
    }

    /// `GET /metrics HTTP/1.1`
    private struct RequestLine {
        let method: String
        let path: String
        /// HTTP/1.0, which knows no Host.
        let isOldVersion: Bool

        init?(_ line: ArraySlice<UInt8>) {
            let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard words.count == 3, words[0].isToken, words[1].allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
            switch words[2] {
            case let version where version.elementsEqual("HTTP/1.1".utf8): isOldVersion = false
            case let version where version.elementsEqual("HTTP/1.0".utf8): isOldVersion = true
            default: return nil
            }
            guard let path = Self.path(words[1]) else { return nil }
            self.path = path
            method = String(decoding: words[0], as: UTF8.self)
        }

        /// The path of `/path?query` or of `http://host/path?query`, which a server has to understand too. `*` and
        /// `host:port` belong to methods that are refused anyhow, and are paths that nobody has.
        private static func path(_ target: ArraySlice<UInt8>) -> String? {
            var target = target
            let scheme = "http://".utf8
            if target.prefix(scheme.count).map({ $0 | 0x20 }).elementsEqual(scheme.map { $0 | 0x20 }) {
                target = target.dropFirst(scheme.count).drop { $0 != 0x2F && $0 != 0x3F }
                if target.first != 0x2F { target = [0x2F] + target }
            }
            let path = target.prefix { $0 != 0x3F }
            return path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
        }
    }

    /// What matters of the other lines.
    private struct Fields {
        var hosts = 0
        var hasBody = false

        /// nil: a line is none (also one that is folded, which RFC 9112 tells servers to refuse).
        init?(_ lines: some Sequence<ArraySlice<UInt8>>) {
            for line in lines {
                guard let colon = line.firstIndex(of: 0x3A), line[..<colon].isToken,
                    line[colon...].allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
                else { return nil }
                let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
                switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
                case "host": hosts += 1
                case "transfer-encoding": hasBody = true
                case "content-length": if !value.prefix(while: { $0 != 0x20 }).elementsEqual([0x30]) { hasBody = true }
                default: break
                }
            }
        }
    }
}

extension ArraySlice<UInt8> {
    /// RFC 9110, section 5.6.2: what methods and names of fields are made of.
    fileprivate var isToken: Bool {
        !isEmpty
            && allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
