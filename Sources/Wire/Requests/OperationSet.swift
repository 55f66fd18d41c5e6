// Sets of operations, and the groups of them that an administrator can name in a rule.
//
// The order of `OperationName` is the order of the bits, so a set is one word and looking an operation up costs nothing.

/// Some of the operations.
public struct OperationSet: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init(_ operation: OperationName) { self.init(rawValue: 1 << UInt64(operation.rawValue)) }

    public init(_ operations: some Sequence<OperationName>) {
        self.init(rawValue: operations.reduce(0) { $0 | 1 << UInt64($1.rawValue) })
    }

    public func contains(_ operation: OperationName) -> Bool { rawValue & 1 << UInt64(operation.rawValue) != 0 }
}

/// A group of operations that has a name; one operation may be in several.
public enum OperationGroup: String, Sendable, CaseIterable {
    case all
    /// What is for administrators, as long as no rule says otherwise.
    case admin
    /// What those need who put jobs into queues and wait for them.
    case produce
    /// What those need who work on jobs.
    case work
    /// What only looks.
    case watch

    public var operations: OperationSet {
        switch self {
        case .all: OperationSet(OperationName.allCases)
        case .admin: OperationSet(OperationName.allCases.filter(\.isForAdministrators))
        case .produce:
            [
                OperationSet([.hello, .ping, .enqueue, .publish, .get, .wait, .cancel, .cancelWait]),
                OperationSet([.bind, .unbind, .topics]),
            ]
        case .work: OperationSet([.hello, .ping, .claim, .complete, .fail, .extend, .release, .cancelWait])
        case .watch:
            [
                OperationSet([.hello, .ping, .info, .list, .queues, .stats, .topics, .get, .wait, .cancelWait]),
                OperationSet([.subscribe, .unsubscribe]),
            ]
        }
    }
}

extension OperationName {
    /// Whether it is for root, the daemon's own user and the administrators' socket only, as long as no rule says
    /// otherwise: what the protocol calls administration, but for what everybody may look at.
    public var isForAdministrators: Bool {
        switch self {
        case .hello, .ping, .info: false
        case .enqueue, .publish, .get, .wait, .cancel: false
        case .claim, .complete, .fail, .extend, .release, .cancelWait: false
        case .subscribe, .unsubscribe: false
        case .bind, .unbind, .topics: false
        case .list, .queues, .stats: false
        case .workers, .requeue, .delete, .purge, .pause, .resume, .configure, .removeQueue: true
        case .reclaim, .quiet, .drain, .check, .metrics, .reload: true
        }
    }
}
