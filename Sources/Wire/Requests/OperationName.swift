// The operations that are built, by name; what they take is in `OperationTable`.
//
// The order here is the order of the table and of the manual.

/// The operations, by the word that stands in `op`.
public enum OperationName: UInt8, Sendable, CaseIterable {
    case hello, ping, info
    case enqueue, get
    case claim, complete, fail, extend, release
    case list, queues, stats
    case requeue, pause, resume, reclaim

    /// The word of the wire.
    public var text: StaticString {
        switch self {
        case .hello: "hello"
        case .ping: "ping"
        case .info: "info"
        case .enqueue: "enqueue"
        case .get: "get"
        case .claim: "claim"
        case .complete: "complete"
        case .fail: "fail"
        case .extend: "extend"
        case .release: "release"
        case .list: "list"
        case .queues: "queues"
        case .stats: "stats"
        case .requeue: "requeue"
        case .pause: "pause"
        case .resume: "resume"
        case .reclaim: "reclaim"
        }
    }

    /// Every word, findable by its bytes.
    private static let table = NameTable(allCases.map { $0.text })

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let index = Self.table.index(of: bytes) else { return nil }
        self.init(rawValue: UInt8(truncatingIfNeeded: index))
    }
}
