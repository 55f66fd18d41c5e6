// The end of a queue: its keys go by a script, a step at a time; its name and its bindings stand in other hash slots and go
// behind them.
//
// A job that is enqueued meanwhile makes the queue anew. So when the name is gone it is looked whether there is a queue
// again, and if so the name is put back. Other daemons say a queue's name again once a minute, see `announce`.

import Redis

extension RedisStore {
    public func removeQueue(_ queue: String, withJobs: Bool, then: @escaping Completion<RemovalStep?>) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(withJobs ? "jobs" : "" as StaticString)
        single(
            StoreScripts.removeQueue, arguments, queue,
            read: { $0.count == 1 ? .some(nil) : RemovalStep($0).map { .some($0) } },
            then: { [self] (result: Result<RemovalStep?, StoreFailure>) in
                switch result {
                case .success(.gone), .success(nil): unbindAll(queue) { [self] in forget(queue) { then(result) } }
                default: then(result)
                }
            })
    }

    /// From every topic. What fails is left behind: a topic then fills a queue that has to be removed again.
    private func unbindAll(_ queue: String, then: @escaping () -> Void) {
        topics { [self] result in
            let bound = ((try? result.get()) ?? []).filter { $0.queues.contains(queue) }.map(\.topic)
            unbind(queue, from: bound[...], then: then)
        }
    }

    private func unbind(_ queue: String, from topics: ArraySlice<String>, then: @escaping () -> Void) {
        guard let topic = topics.first else { return then() }
        unbind(topic: topic, queue: queue) { [self] _ in unbind(queue, from: topics.dropFirst(), then: then) }
    }

    private func forget(_ queue: String, then: @escaping () -> Void) {
        unannounce(queue)
        var command = CommandBuffer("SREM")
        command.append("\(configuration.keyPrefix):queues")
        command.append(queue)
        send(
            Read(arguments: command, kind: .integer, deadline: deadline) { [self] _ in
                policy(queue: queue) { [self] found in
                    if case .success(_?) = found {
                        unannounce(queue)
                        announce(queue)
                    }
                    then()
                }
            })
    }
}

extension RemovalStep {
    /// After `now`: removed, 1 at the end; or -1 and four counts.
    fileprivate init?(_ reply: ReplyView) {
        if reply.count == 3 {
            let removed = Int(reply[1].integer)
            self = reply[2].integer == 1 ? .gone(removed) : .removed(removed)
        } else if reply.count == 6 {
            var depth = Depth()
            depth.queued = Int(reply[2].integer)
            depth.scheduled = Int(reply[3].integer)
            depth.retrying = Int(reply[4].integer)
            depth.processing = Int(reply[5].integer)
            self = .refused(depth)
        } else {
            return nil
        }
    }
}
