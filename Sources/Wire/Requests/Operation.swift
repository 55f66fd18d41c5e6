// A decoded request: the operation with everything that was asked, checked against `OperationTable`.
//
// The bodies have files of their own. The two big and rare ones are boxed, so that the others are not moved about with
// their size.

public enum Operation: Sendable {
    case hello(Hello)
    case ping(store: Bool)
    case info
    case enqueue(EnqueueBody)
    indirect case publish(PublishBody)
    case get(JobName)
    case wait(WaitBody)
    case cancel(CancelBody)
    case claim(ClaimBody)
    case complete(CompleteBody)
    case fail(FailBody)
    case extend(ExtendBody)
    case release(ReleaseBody)
    /// `target`: the raw JSON of a request's id.
    case cancelWait(target: [UInt8])
    case subscribe(SubscribeBody)
    case unsubscribe
    case bind(topic: String, queue: String)
    case unbind(topic: String, queue: String)
    case topics
    case list(ListBody)
    case queues
    /// nil: all queues.
    case stats(queue: String?)
    case workers
    case requeue(RequeueBody)
    case delete(JobName)
    case purge(PurgeBody)
    /// `until` in milliseconds since the epoch; nil: until it is resumed.
    case pause(queue: String, until: Int64?, create: Bool)
    case resume(ResumeBody)
    indirect case configure(ConfigureBody)
    /// `jobs`: also one whose jobs wait or run.
    case removeQueue(queue: String, jobs: Bool)
    /// nil: all queues.
    case reclaim(queue: String?)
    /// nil: all workers.
    case quiet(worker: Glob?)
    case drain
    /// nil: all queues.
    case check(queue: String?, repair: Bool)
    case metrics
    case reload

    init(_ name: OperationName, _ members: borrowing MemberReader) throws(WireError) {
        switch name {
        case .hello: self = .hello(try Hello(members))
        case .ping: self = .ping(store: try members.bool(.store))
        case .info: self = .info
        case .enqueue: self = .enqueue(try EnqueueBody(members))
        case .publish: self = .publish(try PublishBody(members))
        case .get: self = .get(try members.jobName(.job))
        case .wait: self = .wait(try WaitBody(members))
        case .cancel: self = .cancel(try CancelBody(members))
        case .claim: self = .claim(try ClaimBody(members))
        case .complete: self = .complete(try CompleteBody(members))
        case .fail: self = .fail(try FailBody(members))
        case .extend: self = .extend(try ExtendBody(members))
        case .release: self = .release(try ReleaseBody(members))
        case .cancelWait: self = .cancelWait(target: try members.requestID(.target))
        case .subscribe: self = .subscribe(try SubscribeBody(members))
        case .unsubscribe: self = .unsubscribe
        case .bind: self = .bind(topic: try members.text(.topic), queue: try members.text(.queue))
        case .unbind: self = .unbind(topic: try members.text(.topic), queue: try members.text(.queue))
        case .topics: self = .topics
        case .list: self = .list(try ListBody(members))
        case .queues: self = .queues
        case .stats: self = .stats(queue: try members.optionalText(.queue))
        case .workers: self = .workers
        case .requeue: self = .requeue(try RequeueBody(members))
        case .delete: self = .delete(try members.jobName(.job))
        case .purge: self = .purge(try PurgeBody(members))
        case .pause:
            self = .pause(
                queue: try members.text(.queue), until: try members.optionalInteger(.until),
                create: try members.bool(.create))
        case .resume: self = .resume(try ResumeBody(members))
        case .configure: self = .configure(try ConfigureBody(members))
        case .removeQueue: self = .removeQueue(queue: try members.text(.queue), jobs: try members.bool(.jobs))
        case .reclaim: self = .reclaim(queue: try members.optionalText(.queue))
        case .quiet: self = .quiet(worker: try members.optionalGlob(.worker))
        case .drain: self = .drain
        case .check: self = .check(queue: try members.optionalText(.queue), repair: try members.bool(.repair))
        case .metrics: self = .metrics
        case .reload: self = .reload
        }
    }

    /// Which operation it is.
    public var name: OperationName {
        switch self {
        case .hello: .hello
        case .ping: .ping
        case .info: .info
        case .enqueue: .enqueue
        case .publish: .publish
        case .get: .get
        case .wait: .wait
        case .cancel: .cancel
        case .claim: .claim
        case .complete: .complete
        case .fail: .fail
        case .extend: .extend
        case .release: .release
        case .cancelWait: .cancelWait
        case .subscribe: .subscribe
        case .unsubscribe: .unsubscribe
        case .bind: .bind
        case .unbind: .unbind
        case .topics: .topics
        case .list: .list
        case .queues: .queues
        case .stats: .stats
        case .workers: .workers
        case .requeue: .requeue
        case .delete: .delete
        case .purge: .purge
        case .pause: .pause
        case .resume: .resume
        case .configure: .configure
        case .removeQueue: .removeQueue
        case .reclaim: .reclaim
        case .quiet: .quiet
        case .drain: .drain
        case .check: .check
        case .metrics: .metrics
        case .reload: .reload
        }
    }
}
