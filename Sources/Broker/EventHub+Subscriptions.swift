// Which sessions have a subscription, and which have asked for one.

import Reactor
import Wire

extension EventHub {
    /// Takes in a request: answered when the subscription holds.
    func subscribe(_ body: SubscribeBody, _ ticket: Ticket) {
        let session = ticket.session
        if let refusal = refusal(of: body, session) { return ticket.refuse(refusal) }
        let request = SubscriptionRequest(body, ticket, broker: broker)
        if let earlier = session.subscriptionRequest { request.replace(earlier) }
        session.subscriptionRequest = request
        requests.set(request, to: broker.loop.now + UInt64(broker.options.requestTimeoutMs) * 1_000)
        request.begin()
    }

    /// Names and patterns that the subscriptions of one user may have between them.
    static let namesPerUser = 512
    /// Patterns that the daemon holds each new queue against.
    static let patternLimit = 1_024

    private func refusal(of body: SubscribeBody, _ session: Session) -> WireError? {
        let new = newCount(of: body.queues)
        if new == 0 { return nil }
        if names(ofUser: session).names + new > Self.namesPerUser {
            return WireError(
                .badRequest,
                "the subscriptions of user \(session.stream.peer.uid) have \(names(ofUser: session).names) different "
                    + "names and patterns, at most \(Self.namesPerUser) are possible", field: "queues")
        }
        guard patterns.count + new > Self.patternLimit else { return nil }
        return WireError(
            .badRequest,
            "subscriptions have \(patterns.count) different patterns, at most \(Self.patternLimit) are "
                + "possible", field: "queues")
    }

    /// How many names and patterns the subscriptions of a session's user have.
    func names(ofUser session: Session) -> NameCount {
        let uid = session.stream.peer.uid
        if let known = namesByUser[uid] { return known }
        let new = NameCount()
        namesByUser[uid] = new
        return new
    }

    /// Ends what the session has subscribed to or asked for.
    func unsubscribe(_ session: Session) {
        if let request = session.subscriptionRequest {
            session.subscriptionRequest = nil
            request.leave()
            request.answer()
        }
        if let subscription = session.subscription { end(subscription) }
    }

    /// The connection is gone.
    func drop(_ session: Session) {
        session.subscriptionRequest?.leave()
        session.subscriptionRequest = nil
        if let subscription = session.subscription { end(subscription) }
    }

    /// It holds: takes the place of the session's earlier one.
    func begin(_ subscription: Subscription) {
        let session = subscription.session
        session.subscriptionRequest = nil
        if let earlier = session.subscription { end(earlier) }
        session.subscription = subscription
        for watch in subscription.watches { watch.subscribers[session.number] = subscription }
        subscriptionCount += 1
    }

    private func end(_ subscription: Subscription) {
        let session = subscription.session
        subscription.end()
        session.subscription = nil
        for watch in subscription.watches {
            watch.subscribers[session.number] = nil
            release(watch, logsAll: subscription.logsAll)
        }
        subscriptionCount -= 1
    }

    /// A request fails.
    func refuse(_ request: SubscriptionRequest, _ error: WireError) {
        request.session.subscriptionRequest = nil
        request.refuse(error)
    }

    /// The store did not do its part in time.
    func requestTimedOut(_ request: SubscriptionRequest) {
        refuse(request, WireError(.storeUnavailable, "cannot subscribe to the events: Redis does not answer"))
    }

    /// The daemon stops: nothing new begins.
    func stop() {
        for request in requests.items { refuse(request, broker.draining) }
    }
}
