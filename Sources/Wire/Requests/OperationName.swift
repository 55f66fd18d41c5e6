// The operations that are built, by name; what they take is in `OperationTable`.
//
// The order here is the order of the table and of the manual.

/// The operations, by the word that stands in `op`.
public enum OperationName: UInt8, Sendable, CaseIterable {
    case hello, ping, info
    case enqueue, publish, get, wait, cancel
    case claim, complete, fail, extend, release, cancelWait
    case subscribe, unsubscribe
    case bind, unbind, topics
    case list, queues, stats, workers
    case requeue, delete, purge, pause, resume, configure, removeQueue
    case reclaim, quiet, drain, check, metrics, reload

    /// The word of the wire.
    public var text: StaticString {
        switch self {
        case .hello: "hello"
        case .ping: "ping"
        case .info: "info"
        case .enqueue: "enqueue"
        case .publish: "publish"
        case .get: "get"
        case .wait: "wait"
        case .cancel: "cancel"
        case .claim: "claim"
        case .complete: "complete"
        case .fail: "fail"
        case .extend: "extend"
        case .release: "release"
        case .cancelWait: "cancel_wait"
        case .subscribe: "subscribe"
        case .unsubscribe: "unsubscribe"
        case .bind: "bind"
        case .unbind: "unbind"
        case .topics: "topics"
        case .list: "list"
        case .queues: "queues"
        case .stats: "stats"
        case .workers: "workers"
        case .requeue: "requeue"
        case .delete: "delete"
        case .purge: "purge"
        case .pause: "pause"
        case .resume: "resume"
        case .configure: "configure"
        case .removeQueue: "remove_queue"
        case .reclaim: "reclaim"
        case .quiet: "quiet"
        case .drain: "drain"
        case .check: "check"
        case .metrics: "metrics"
        case .reload: "reload"
        }
    }

    /// Every word, findable by its bytes.
    private static let table = NameTable(allCases.map { $0.text })

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let index = Self.table.index(of: bytes) else { return nil }
        self.init(rawValue: UInt8(truncatingIfNeeded: index))
    }
}
