// Whether this daemon can do its work now, for load balancers and monitoring.

import Reactor
import Store

extension Broker {
    /// How long the store may take for a sign of life.
    private static var healthPatienceUs: UInt64 { 2_000_000 }

    /// Says why no work can be done here, or nil when it can: after a round trip to the store.
    func health(then: @escaping (String?) -> Void) {
        if isStopping { return then("stopping") }
        if let addressProblem { return then("unreachable: \(addressProblem)") }
        if isDraining { return then("draining") }
        let health = storeHealth
        // A daemon that has just begun, perhaps by this very connection, is given the time to reach its store.
        let isYoung = loop.now - startedAt < Self.healthPatienceUs
        if let problem = health.problem(), !isYoung || health.store.state == .refusing { return then(problem) }
        var pending: ((String?) -> Void)? = then
        let answer = { (problem: String?) in
            let then = pending
            pending = nil
            then?(problem)
        }
        let timer = loop.timer { answer("Redis does not answer") }
        timer.arm(after: Self.healthPatienceUs)
        store.ping { result in
            timer.disarm()
            switch result {
            case .success: answer(nil)
            case .failure(.unavailable(let why)), .failure(.full(let why)), .failure(.internal(let why)):
                answer("Redis does not answer: \(why)")
            }
        }
    }
}
