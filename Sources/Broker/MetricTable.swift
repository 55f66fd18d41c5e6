// Every metric that the daemon shows: name, kind, labels, and what it means. The text for Prometheus, the manual's list and
// the tests of the examples come from here; a metric that is not here does not exist.
//
// Names follow Prometheus's rules: base units (seconds, bytes), `_total` for what only grows.

import Store

/// One metric.
public struct Metric: Sendable {
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }
    public let name: String
    public let kind: Kind
    /// Beside `le` of histograms.
    public let labels: [String]
    /// One line, for the text and the manual.
    public let help: String

    private init(_ name: String, _ kind: Kind, _ labels: [String] = [], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }

    /// All metrics, in the order of the text.
    public static let all = queueMetrics + daemonMetrics + processMetrics

    // MARK: Of each queue

    /// What the store says of each queue: the same from every daemon.
    private static let queueMetrics =
        [jobs] + totals.map(\.metric) + [oldestJobAge, queuePaused, jobWait, jobRun]

    static let jobs = Metric("jobqd_jobs", .gauge, ["queue", "state"], "Jobs in each state, now.")

    /// Every total of a queue; the name is its word in `stats`.
    static let totals: [Total] = [
        Total("enqueued", "Jobs enqueued.") { $0.enqueued },
        Total("claimed", "Claims of jobs; each begins an attempt.") { $0.claimed },
        Total("completed", "Jobs completed.") { $0.completed },
        Total("failed", "Attempts that their workers reported as failed.") { $0.failed },
        Total("retried", "Failed attempts after which the job is retried.") { $0.retried },
        Total("dead", "Jobs that became dead letters.") { $0.dead },
        Total("reclaimed", "Attempts whose lease expired or whose worker was gone.") { $0.reclaimed },
        Total("released", "Attempts that workers gave back.") { $0.released },
        Total("expired", "Jobs that expired before a worker claimed them.") { $0.expired },
        Total("cancelled", "Jobs cancelled.") { $0.cancelled },
        Total("requeued", "Dead or cancelled jobs that were brought back.") { $0.requeued },
        Total("deleted", "Waiting jobs that were removed.") { $0.deleted },
    ]

    /// A total, and how to read it.
    struct Total: Sendable {
        let metric: Metric
        let of: @Sendable (Totals) -> Int64

        fileprivate init(_ word: String, _ help: String, _ of: @escaping @Sendable (Totals) -> Int64) {
            metric = Metric("jobqd_jobs_\(word)_total", .counter, ["queue"], help)
            self.of = of
        }
    }

    static let oldestJobAge = Metric(
        "jobqd_oldest_job_age_seconds", .gauge, ["queue"], "How long the oldest queued job has waited; 0 without one.")
    static let queuePaused = Metric("jobqd_queue_paused", .gauge, ["queue"], "1 while the queue is paused.")
    static let jobWait = Metric(
        "jobqd_job_wait_seconds", .histogram, ["queue"],
        "How long jobs claimed over this daemon had waited since their enqueue, delay or backoff.")
    static let jobRun = Metric(
        "jobqd_job_run_seconds", .histogram, ["queue"],
        "How long jobs completed or failed over this daemon had run since their claim.")

    // MARK: Of this daemon

    private static let daemonMetrics = [
        info, connections, connectionsDropped, connectionsRefused, connectionsSilent, memoryHeld, memoryLimit,
        memoryPaused, memoryDrops, workers, heldJobs, waitingClaims, waits, subscriptions, draining,
        redisUp, redisWritable, redisMayLoseJobs, redisReconnects, redisRoundTrip, requests, errors, eventsDropped,
        loopLag, loopTurn, longestTurn,
    ]

    static let info = Metric("jobqd_info", .gauge, ["version"], "Always 1; the version is in the label.")
    static let connections = Metric("jobqd_connections", .gauge, "Open connections of clients.")
    static let connectionsDropped = Metric(
        "jobqd_connections_dropped_total", .counter,
        "Connections ended because the client did not read, or held the most when memory was short.")
    static let connectionsRefused = Metric(
        "jobqd_connections_refused_total", .counter,
        "Connections refused because their user had as many as one user may have.")
    static let connectionsSilent = Metric(
        "jobqd_connections_silent_total", .counter, "Connections ended because no complete line came within a minute.")
    static let memoryHeld = Metric(
        "jobqd_memory_held_bytes", .gauge, "Memory of connections: input, open requests and unread output.")
    static let memoryLimit = Metric("jobqd_memory_limit_bytes", .gauge, "Memory that connections may hold together.")
    static let memoryPaused = Metric(
        "jobqd_memory_paused_connections", .gauge, "Connections not read from because of the memory they hold.")
    static let memoryDrops = Metric(
        "jobqd_memory_dropped_total", .counter, "Connections ended because they held the most when memory was short.")
    static let workers = Metric("jobqd_workers", .gauge, "Workers that said hello with a name.")
    static let heldJobs = Metric("jobqd_held_jobs", .gauge, "Jobs held by workers that said hello.")
    static let waitingClaims = Metric("jobqd_waiting_claims", .gauge, "Claims that wait for a job.")
    static let waits = Metric("jobqd_waits", .gauge, "Requests that wait for the end of a job.")
    static let subscriptions = Metric("jobqd_subscriptions", .gauge, "Connections that are subscribed to events.")
    static let draining = Metric("jobqd_draining", .gauge, "1 when the daemon hands out no more work.")
    static let redisUp = Metric("jobqd_redis_up", .gauge, "1 when Redis answers; otherwise queues have no metrics.")
    static let redisWritable = Metric(
        "jobqd_redis_writable", .gauge, "1 when Redis lets jobqd do all it needs; 0 when it refuses writes or is away.")
    static let redisMayLoseJobs = Metric(
        "jobqd_redis_may_lose_jobs", .gauge, "1 when Redis is configured so that it may lose jobs; info says how.")
    static let redisReconnects = Metric(
        "jobqd_redis_reconnects_total", .counter, "How often the daemon reconnected to Redis.")
    static let redisRoundTrip = Metric(
        "jobqd_redis_round_trip_seconds", .histogram, "Time from sending to Redis until its answers were read.")
    static let requests = Metric("jobqd_requests_total", .counter, ["op"], "Requests read, by operation.")
    static let errors = Metric("jobqd_errors_total", .counter, ["code"], "Requests refused, by error code.")
    static let eventsDropped = Metric(
        "jobqd_events_dropped_total", .counter, "Events that subscribers did not get because they did not read.")
    static let loopLag = Metric(
        "jobqd_loop_lag_seconds", .histogram, "How late the loop served its timer, measured once a second.")
    static let loopTurn = Metric(
        "jobqd_loop_turn_seconds", .histogram, "How long each turn of the loop took; it serves nobody else meanwhile.")
    static let longestTurn = Metric(
        "jobqd_loop_longest_turn_seconds", .gauge, "The longest turn of the loop since the daemon started.")

    private init(_ name: String, _ kind: Kind, _ help: String) { self.init(name, kind, [], help) }

    // MARK: Of the process

    private static let processMetrics = [processStart, processCPU, processMemory, processFDs, processMaxFDs]

    static let processStart = Metric(
        "process_start_time_seconds", .gauge, "Start time of the process, in seconds since the Unix epoch.")
    static let processCPU = Metric("process_cpu_seconds_total", .counter, "CPU time used, user and system.")
    static let processMemory = Metric("process_resident_memory_bytes", .gauge, "Resident memory.")
    static let processFDs = Metric("process_open_fds", .gauge, "Open file descriptors.")
    static let processMaxFDs = Metric("process_max_fds", .gauge, "Maximum number of open file descriptors.")
}
