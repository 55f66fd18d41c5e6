// Calls that are not built yet.

import Wire

private func pending<Value>(_ then: Completion<Value>) { then(.failure(.internal("not built yet"))) }

extension RedisStore {
    public func check(queue: String, repair: Bool, cursor: String?, then: @escaping Completion<CheckStep?>) {
        pending(then)
    }
}
