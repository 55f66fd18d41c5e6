// Rules about who may do what: the values, and how a request is judged by them. No I/O; what must be found out about a peer
// is asked only when a rule asks for it (`PeerFacts`).
//
// The rules are gone through in their order and the first that matches decides; when none does, the operations of
// administration are refused and all others are allowed. A request that touches several queues is judged for each of
// them and must be allowed for all. Text becomes rules in the configuration of `jobqd`.

import Reactor
public import Wire

/// One line of the rules. Every condition must hold; nil: whatever it is.
public struct AccessRule: Sendable, Equatable {
    public enum Verdict: String, Sendable {
        case allow, deny
    }
    public var verdict: Verdict
    public var users: [UInt32]?
    /// The peer's primary group or one of its supplementary ones.
    public var groups: [UInt32]?
    /// Patterns for the systemd unit of the peer. One without a unit matches none. One whose unit cannot be found out, as
    /// its process was gone, is denied by every pattern and allowed by none: else a process could slip past a rule by ending.
    public var units: [Glob]?
    public var operations: OperationSet?
    /// Patterns for every queue that the request touches. A request that touches none does not match.
    public var queues: [Glob]?
    /// As it was written, for the log.
    public var text: String

    public init(_ verdict: Verdict, text: String = "") {
        self.verdict = verdict
        self.text = text
    }

    /// `queue` nil: the operation is about no queue.
    fileprivate func matches(_ operation: OperationName, on queue: QueueScope?, by peer: PeerFacts) -> Bool {
        if let operations, !operations.contains(operation) { return false }
        if let users, !users.contains(peer.uid) { return false }
        if let queues, !(queue.map { scope in queues.contains { holds($0, for: scope) } } ?? false) { return false }
        if let groups, !groups.contains(where: peer.groups.contains) { return false }
        guard let units else { return true }
        switch peer.unit {
        case .named(let unit): return units.contains { $0.matches(unit) }
        case .none: return false
        case .unknown: return verdict == .deny
        }
    }

    /// Finds out what `matches` may ask about a peer later on.
    fileprivate func learn(about peer: PeerFacts, for operation: OperationName) {
        if let operations, !operations.contains(operation) { return }
        if groups != nil { _ = peer.groups }
        if units != nil { _ = peer.unit }
    }

    /// A pattern that is asked for is allowed where every name of it is, and denied where one may be.
    private func holds(_ pattern: Glob, for scope: QueueScope) -> Bool {
        switch scope {
        case .name(let name): pattern.matches(name)
        case .pattern(let asked): verdict == .allow ? pattern.covers(asked) : pattern.overlaps(asked)
        }
    }
}

/// All rules, in their order.
struct AccessRules: Sendable, Equatable {
    private let rules: [AccessRule]

    /// nil when there are none.
    init?(_ rules: [AccessRule]) {
        guard !rules.isEmpty else { return nil }
        self.rules = rules
    }

    /// A rule names units.
    var asksForUnits: Bool { rules.contains { $0.units != nil } }

    /// Why a request was not allowed.
    struct Refusal: Equatable {
        let operation: OperationName
        /// The queue it was not allowed for, if it is about one.
        let queue: QueueScope?
        /// The rule that decided; nil: none did.
        let rule: AccessRule?
    }

    /// Judges an operation on queues; nil: it is allowed.
    func refusal(of target: OperationTarget, by peer: PeerFacts) -> Refusal? {
        if target.queues.isEmpty { return refusal(of: target.operation, on: nil, by: peer) }
        for queue in target.queues {
            if let refusal = refusal(of: target.operation, on: queue, by: peer) { return refusal }
        }
        return nil
    }

    /// Finds out now, while its connection is open, what judging an operation later may need to know about a peer.
    func learn(about peer: PeerFacts, for operation: OperationName) {
        for rule in rules { rule.learn(about: peer, for: operation) }
    }

    private func refusal(of operation: OperationName, on queue: QueueScope?, by peer: PeerFacts) -> Refusal? {
        let rule = rules.first { $0.matches(operation, on: queue, by: peer) }
        let isAllowed = rule.map { $0.verdict == .allow } ?? !operation.isForAdministrators
        return isAllowed ? nil : Refusal(operation: operation, queue: queue, rule: rule)
    }
}
