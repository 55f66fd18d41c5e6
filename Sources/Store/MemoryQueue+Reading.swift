// Looking at a queue of the model without changing it: one job, a page of a listing, the statistics.

import DequeModule
import Wire

extension MemoryQueue {
    func get(_ id: String, now: ServerTime) -> JobRecord? {
        dropExpired(now)
        return records[id]?.shown()
    }

    // MARK: list

    func list(state: JobState, type: String?, limit: Int, cursor: String?, now: ServerTime) -> JobPage? {
        dropExpired(now)
        guard exists else { return nil }
        switch state {
        case .queued: return page(queued, type, limit, cursor)
        case .scheduled: return page(scheduled, type, limit, cursor)
        case .retrying: return page(retrying, type, limit, cursor)
        case .processing: return page(processing, type, limit, cursor)
        case .dead: return page(dead, type, limit, cursor, newestFirst: true)
        case .completed: return completedPage(type, limit, cursor)
        case .cancelled: return page(cancelled, type, limit, cursor)
        case .expired: return page(expired, type, limit, cursor)
        }
    }

    private func page(
        _ set: ScoredSet, _ type: String?, _ limit: Int, _ cursor: String?, newestFirst: Bool = false
    ) -> JobPage {
        var last = cursor.flatMap(ScoredSet.Entry.init(cursor:))
        let entries =
            newestFirst
            ? set.entries(before: last, limit: Self.stepLimit) : set.entries(after: last, limit: Self.stepLimit)
        var jobs: [JobRecord] = []
        for entry in entries where jobs.count < limit {
            last = entry
            if let record = records[entry.id], type == nil || record.type == type {
                jobs.append(record.shown(brief: true))
            }
        }
        let left = last.map { newestFirst ? set.count(before: $0) : set.count(after: $0) } ?? 0
        return JobPage(jobs: jobs, cursor: left > 0 ? last?.cursor : nil)
    }

    /// Newest first; the cursor is an offset. Entries which outlived their record are passed over.
    private func completedPage(_ type: String?, _ limit: Int, _ cursor: String?) -> JobPage {
        let start = min(max(cursor.flatMap { Int($0) } ?? 0, 0), completed.count)
        let end = min(start + Self.stepLimit, completed.count)
        var jobs: [JobRecord] = []
        var next = start
        while next < end, jobs.count < limit {
            if let record = records[completed[next]], record.state == .completed, type == nil || record.type == type {
                jobs.append(record.shown(brief: true))
            }
            next += 1
        }
        return JobPage(jobs: jobs, cursor: next < completed.count ? String(next) : nil)
    }

    // MARK: statistics

    func statistics(now: ServerTime) -> QueueStatistics? {
        dropExpired(now)
        guard exists else { return nil }
        var statistics = QueueStatistics()
        statistics.depth.queued = queued.count
        statistics.depth.scheduled = scheduled.count
        statistics.depth.retrying = retrying.count
        statistics.depth.processing = processing.count
        statistics.depth.completed = completed.count
        statistics.depth.dead = dead.count
        statistics.depth.cancelled = cancelled.count
        statistics.depth.expired = expired.count
        statistics.totals = totals
        statistics.paused = policy.isPaused(at: now)
        if case .until(let end) = policy.paused, statistics.paused { statistics.pausedUntil = end }
        statistics.latencyMs = latencyMs(now: now)
        return statistics
    }

    /// How long the oldest queued job has been ready. Only two jobs of each priority can be it (but for those that came back): the
    /// first that arrived in order, and of those put in front the first one, which stands last among them.
    private func latencyMs(now: ServerTime) -> Int64 {
        var oldest = now
        var position = queued.first
        while let entry = position {
            // Half a step below a priority's centre to half a step above it are its scores.
            let half = Self.priorityStep / 2
            let centre = Self.centre(entry.score)
            let candidates = [queued.last(below: centre), queued.first(atLeast: centre)]
            for candidate in candidates.compactMap(\.self) where abs(candidate.score - centre) < half {
                guard let record = records[candidate.id] else { continue }
                oldest = min(oldest, max(record.enqueuedAt, record.runAt ?? 0))
            }
            position = queued.first(atLeast: centre + half)
        }
        return now - oldest
    }

    // MARK: check

    /// Nothing can be wrong here: a queue in memory is never half changed, and nobody else writes into it.
    func check(_ part: CheckPart, now: ServerTime) -> CheckStep? {
        dropExpired(now)
        guard exists else { return nil }
        guard case .indexes = part else { return CheckStep(checked: 0, violations: [], cursor: nil) }
        let sets = [queued, scheduled, retrying, processing, dead, cancelled, expired, expiry]
        let entries = sets.reduce(completed.count) { $0 + $1.count }
        return CheckStep(checked: entries + records.count + uniques.count, violations: [], cursor: nil)
    }
}
