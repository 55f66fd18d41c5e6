// The one place where a request's peer is asked whether it may: between the decoded line and its handler.
//
// Root, the daemon's own user and whoever comes over the administrators' socket may do everything. For all others
// the rules count, and without rules the operations of administration are refused. For the ordinary request, a
// worker's without rules, this costs a look at two bits. Operations of administration get a ticket that tells the log how
// they ended.

import Glibc
import Logging
import Reactor
import Wire

extension Broker {
    /// Hands a request to its handler, or refuses it.
    func serve(_ operation: Operation, _ ticket: Ticket) {
        let session = ticket.session
        if !session.isPrivileged, let refusal = refusal(of: operation, to: session) {
            return refuse(operation, refusal, ticket)
        }
        guard operation.isForAdministrators else { return dispatch(operation, ticket) }
        var audited = ticket
        // Who waits for the end of the draining asks for it again and again.
        let effect = operation.name == .drain && isDraining ? .look : operation.effect
        audited.audit = AuditEntry(operation, session, log, effect: effect)
        dispatch(operation, audited)
    }

    /// Whether a peer may do everything by its user: root, or who the daemon runs as. A daemon that runs as nobody has no
    /// user of its own: that is also who stands for those without one.
    func isAdministrator(_ peer: PeerCredentials) -> Bool {
        let own = geteuid()
        return peer.uid == 0 || (peer.uid == own && own != PeerCredentials.nobody)
    }

    private func refusal(of operation: Operation, to session: Session) -> AccessRules.Refusal? {
        guard let access else {
            guard operation.isForAdministrators else { return nil }
            return AccessRules.Refusal(operation: operation.name, queue: nil, rule: nil)
        }
        if case .publish = operation {
            // Which queues that touches is known when the topic's bindings are: see `refusesPublish`. By then the connection
            // may be gone, and nothing can be found out about its peer any more.
            access.learn(about: session.peer, for: .publish)
            return nil
        }
        for target in operation.targets {
            if let refusal = access.refusal(of: target, by: session.peer) { return refusal }
        }
        return nil
    }

    /// Refuses a publish that the rules do not allow for one of the topic's queues. True when it did.
    func refusesPublish(to queues: [String], _ ticket: Ticket) -> Bool {
        guard let access, !ticket.session.isPrivileged else { return false }
        let target = OperationTarget(operation: .publish, queues: queues.map(QueueScope.name))
        guard let refusal = access.refusal(of: target, by: ticket.session.peer) else { return false }
        refuse(refusal, facts: AuditEntry.facts(of: "publish", ticket.session), ticket)
        return true
    }

    /// Closes those of these connections that wait for, or hear of, what new rules no longer allow. Who connects again is
    /// judged anew.
    func closeWhatIsNotAllowed(_ sessions: some Sequence<Session>) {
        guard let access else { return }
        for session in sessions where !session.isPrivileged {
            let refusal = session.ongoing.lazy.compactMap { access.refusal(of: $0, by: session.peer) }.first
            guard let refusal else { continue }
            log.notice(
                "closed the connection of \(session.who): \(refusal.message)",
                metadata: AuditEntry.facts(of: "\(refusal.operation.text)", session))
            session.finish()
        }
    }

    private func refuse(_ operation: Operation, _ refusal: AccessRules.Refusal, _ ticket: Ticket) {
        refuse(refusal, facts: AuditEntry.facts(of: operation, ticket.session), ticket)
    }

    private func refuse(_ refusal: AccessRules.Refusal, facts: @autoclosure () -> Logger.Metadata, _ ticket: Ticket) {
        let who = ticket.session.who
        let error = WireError(.forbidden, "\(refusal.message); you are \(who)")
        ticket.refuse(error)
        guard let unsaid = refusals.pass(ticket.session.peer.uid, at: loop.now) else { return }
        var metadata = MessageID.forbidden.with(facts())
        metadata["result"] = .string(error.code.rawValue)
        if let rule = refusal.rule { metadata["rule"] = .string(rule.text) }
        if unsaid > 0 { metadata["unsaid"] = "\(unsaid)" }
        log.warning("refused \(who): \(refusal.message)", metadata: metadata)
    }
}

extension Session {
    /// What was asked and goes on: waiting claims, waits for jobs, the subscription.
    fileprivate var ongoing: [OperationTarget] {
        let claims = waitingClaims.map { OperationTarget(operation: .claim, queues: $0.scopes) }
        let waits = jobWaits.map { OperationTarget(operation: .wait, queues: [.name($0.job.queue)]) }
        let watches = (subscription?.watches ?? []) + (subscriptionRequest?.watches ?? [])
        guard !watches.isEmpty else { return claims + waits }
        let events = OperationTarget(operation: .subscribe, queues: watches.map { QueueScope($0.glob) })
        return claims + waits + [events]
    }
}

extension Operation {
    fileprivate var isForAdministrators: Bool { name.isForAdministrators }
}

extension AccessRules.Refusal {
    /// What, and by which rule not.
    var message: String {
        let what = "the operation \"\(operation.text)\""
        if operation.isForAdministrators, rule == nil {
            return "\(what) is for administrators: root, the daemon's user, or the admin socket"
        }
        let place =
            switch queue {
            case .name(let name)?: " on the queue \(name)"
            case .pattern(.all)?: " on all queues"
            case .pattern(let pattern)?: " on the queues \(pattern)"
            case nil: ""
            }
        let why = rule.map { "the rule \"Deny=\($0.text)\" of [Access]" } ?? "[Access]"
        return "\(what)\(place) is not allowed by \(why)"
    }
}
