// Handlers of topics: who is bound to one, and one job for each of them.
//
// A publish is one enqueue in every bound queue, all under one id. That id makes it safe to repeat: where the job arrived,
// the repeated enqueue is a duplicate; where it did not, it arrives then.

import Store
import Wire

extension Broker {
    /// `publish {topic, payload, …}` → `{job_id, jobs: [{job, state[, duplicate]} | {queue, ok: false, error}, …]}`, one
    /// for each queue that is bound to the topic, in the order of their names.
    func publish(_ body: PublishBody, _ ticket: Ticket) {
        if refusesNewWork(ticket) { return }
        store.bindings(of: body.topic) { [self] result in
            guard let queues = unwrap(result, ticket), !refusesPublish(to: queues, ticket) else { return }
            publish(body.item, to: queues, ticket)
        }
    }

    private func publish(_ item: EnqueueItem, to queues: [String], _ ticket: Ticket) {
        let id = item.jobID ?? identifiers.ulid()
        let gather = Gather<Enqueued>(count: queues.count) { [self] result in
            switch result {
            case .success(let outcomes):
                ticket.reply { writer in
                    writer.member("job_id", id)
                    writer.key("jobs")
                    writer.beginArray()
                    for (queue, outcome) in zip(queues, outcomes) {
                        writer.enqueuedItem(
                            JobName(queue: queue, id: id), outcome, namedByClient: item.jobID != nil, namesQueue: true)
                    }
                    writer.endArray()
                }
            case .failure(let failure):
                var error = wireError(failure)
                error.message += "; some queues may have the job: repeat the request with job_id \(id)"
                ticket.refuse(error)
            }
        }
        if queues.isEmpty { return gather.take(.success([]), at: []) }
        var rest = queues.indices
        turns.inPieces(for: ticket.session.share) { [self] in
            guard let index = rest.popFirst() else { return false }
            put([NewJob(item, id: id)], queue: queues[index]) { gather.take($0, at: [index]) }
            return !rest.isEmpty
        }
    }

    /// `bind {topic, queue}` → `{topic, queue}`
    func bind(topic: String, queue: String, _ ticket: Ticket) {
        store.bind(topic: topic, queue: queue) { [self] result in
            guard let isNew = unwrap(result, ticket) else { return }
            guard isNew else {
                return ticket.refuse(
                    WireError(.badRequest, "queue \(queue) is bound to topic \(topic) already", field: "queue"))
            }
            ticket.reply { $0.binding(topic: topic, queue: queue) }
        }
    }

    /// `unbind {topic, queue}` → `{topic, queue}`
    func unbind(topic: String, queue: String, _ ticket: Ticket) {
        store.unbind(topic: topic, queue: queue) { [self] result in
            guard let wasBound = unwrap(result, ticket) else { return }
            guard wasBound else {
                return ticket.refuse(
                    WireError(.notFound, "queue \(queue) is not bound to topic \(topic)", field: "queue"))
            }
            ticket.reply { $0.binding(topic: topic, queue: queue) }
        }
    }

    /// `topics {}` → `{topics: [{topic, queues: […]}, …]}`
    func topics(_ ticket: Ticket) {
        store.topics { [self] result in
            guard let bindings = unwrap(result, ticket) else { return }
            ticket.reply { writer in
                writer.key("topics")
                writer.beginArray()
                for binding in bindings {
                    writer.beginObject()
                    writer.member("topic", binding.topic)
                    writer.key("queues")
                    writer.beginArray()
                    for queue in binding.queues { writer.string(queue) }
                    writer.endArray()
                    writer.endObject()
                }
                writer.endArray()
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func binding(topic: String, queue: String) {
        member("topic", topic)
        member("queue", queue)
    }
}
