// Which queues a topic is bound to: a set for each topic, and a set of the topics' names.
//
// Two keys in two hash slots, so no script can change both. The set of a topic is the truth, and the names only say where
// to look: a name stands there before its first queue does, and goes after the last one. So a name may stand there
// without a queue, which then is not shown, but no queue is bound unseen. When the last queue leaves a topic while another
// one joins it, the name is put back; should the daemon die in that moment, the next `bind` puts it back.

import Redis

extension RedisStore {
    /// Topics that are read at a time.
    private static let topicsAtOnce = 100

    private var topicsKey: String { "\(configuration.keyPrefix):topics" }
    private func topicKey(_ topic: String) -> String { "\(configuration.keyPrefix):topic:\(topic)" }

    public func bind(topic: String, queue: String, then: @escaping Completion<Bool>) {
        change("SADD", topicsKey, topic) { [self] result in
            guard case .success = result else { return then(result) }
            change("SADD", topicKey(topic), queue, then: then)
        }
    }

    public func unbind(topic: String, queue: String, then: @escaping Completion<Bool>) {
        change("SREM", topicKey(topic), queue) { [self] result in
            guard case .success(true) = result else { return then(result) }
            tidy(topic) { then(result) }
        }
    }

    /// Takes the name away when no queue is left. It may fail: then the name is left behind.
    private func tidy(_ topic: String, then: @escaping () -> Void) {
        bindings(of: topic) { [self] queues in
            guard case .success([]) = queues else { return then() }
            change("SREM", topicsKey, topic) { [self] _ in
                bindings(of: topic) { [self] queues in
                    if case .success([]) = queues { return then() }
                    change("SADD", topicsKey, topic) { _ in then() }
                }
            }
        }
    }

    public func bindings(of topic: String, then: @escaping Completion<[String]>) {
        members(of: topicKey(topic), then: then)
    }

    public func topics(then: @escaping Completion<[TopicBinding]>) {
        members(of: topicsKey) { [self] result in
            switch result {
            case .failure(let failure): then(.failure(failure))
            case .success(let topics): bindings(of: topics[...], behind: [], then: then)
            }
        }
    }

    /// Reads some topics at once, and goes on with the rest.
    private func bindings(
        of topics: ArraySlice<String>, behind found: [TopicBinding], then: @escaping Completion<[TopicBinding]>
    ) {
        let page = topics.prefix(Self.topicsAtOnce)
        guard !page.isEmpty else { return then(.success(found)) }
        var answers: [String: Result<[String], StoreFailure>] = [:]
        for topic in page {
            bindings(of: topic) { [self] result in
                answers[topic] = result
                guard answers.count == page.count else { return }
                var found = found
                for topic in page {
                    switch answers[topic] {
                    case .success([]), nil: continue
                    case .success(let queues): found.append(TopicBinding(topic: topic, queues: queues))
                    case .failure(let failure): return then(.failure(failure))
                    }
                }
                bindings(of: topics.dropFirst(page.count), behind: found, then: then)
            }
        }
    }

    // MARK: Sets

    /// SADD or SREM of one member: whether it changed something. One that is repeated after a lost link may have changed it
    /// before, and says so.
    private func change(_ verb: StaticString, _ key: String, _ member: String, then: @escaping Completion<Bool>) {
        var command = CommandBuffer(verb)
        command.append(key)
        command.append(member)
        var mayHaveChanged = false
        send(
            Read(arguments: command, kind: .integer, deadline: deadline, onRepeat: { mayHaveChanged = true }) {
                result in
                then(result.map { $0.integer > 0 || mayHaveChanged })
            })
    }

    /// Sorted.
    func members(of key: String, then: @escaping Completion<[String]>) {
        var command = CommandBuffer("SMEMBERS")
        command.append(key)
        send(
            Read(arguments: command, deadline: deadline) { result in
                then(result.map { reply in (0..<reply.count).map { reply[$0].string }.sorted() })
            })
    }
}
