// The claims that wait for a pattern, and the queues that match it.
//
// Which of those queues have jobs only the store knows, and thousands may match. So each queue is asked once, and then
// only after something may have brought it jobs: an enqueue here, another host's message, a sweep. What one claim finds
// out holds for all: the daemon listens to every queue that matches (`ClaimPatterns`). The queues that may have jobs are
// asked in turn, so none of them waits behind another's backlog.

import DequeModule
import Wire

/// A queue that exists and that somebody claims from by a pattern.
final class MatchedQueue {
    let name: String
    /// The patterns that it matches.
    fileprivate(set) var lines: [PatternLine] = []
    /// It was not found empty since the last news.
    private(set) var mayHaveJobs = true
    /// Counts what may have brought jobs.
    private(set) var news = 0

    init(_ name: String) { self.name = name }

    /// It may have jobs, from now on.
    func tellNews() {
        news += 1
        mayHaveJobs = true
        for line in lines { line.offer(self) }
    }

    /// The store was asked, and it had no job. `news`: as it was before.
    func wasEmpty(news: Int) {
        if self.news == news { mayHaveJobs = false }
    }

    /// The queue is gone.
    func vanish() {
        mayHaveJobs = false
        for line in lines { line.queues[name] = nil }
        lines = []
    }
}

/// Claims that wait for the queues that match one pattern.
final class PatternLine: ClaimLine {
    let matcher: GlobMatcher
    /// All queues there are were held against it.
    var isComplete = false
    /// Claims that wait until it is complete.
    var newcomers: [WaitingClaim] = []
    /// Those that match, by name.
    fileprivate(set) var queues: [String: MatchedQueue] = [:]
    /// Queues that may have jobs, the one to be asked next first.
    private var rotation = Deque<MatchedQueue>()
    private var standing: Set<ObjectIdentifier> = []

    init(_ glob: Glob) {
        matcher = GlobMatcher(glob)
        super.init(glob.pattern)
    }

    /// How many queues may have jobs, at least 1.
    var rotationCount: Int { max(1, rotation.count) }

    /// A queue matches. False: it was known.
    func add(_ queue: MatchedQueue) -> Bool {
        guard queues.updateValue(queue, forKey: queue.name) == nil else { return false }
        queue.lines.append(self)
        if queue.mayHaveJobs { offer(queue) }
        return true
    }

    /// Nobody claims by the pattern any more: lets go of one of its queues. nil: there is none.
    func removeAny() -> MatchedQueue? {
        guard let (name, queue) = queues.first else { return nil }
        queues[name] = nil
        queue.lines.removeAll { $0 === self }
        return queue
    }

    fileprivate func offer(_ queue: MatchedQueue) {
        if standing.insert(ObjectIdentifier(queue)).inserted { rotation.append(queue) }
    }

    /// The queue to ask next; it goes to the end of the rotation. nil: none may have a job.
    func next() -> MatchedQueue? {
        while let queue = rotation.popFirst() {
            if queue.mayHaveJobs {
                rotation.append(queue)
                return queue
            }
            standing.remove(ObjectIdentifier(queue))
        }
        return nil
    }
}
