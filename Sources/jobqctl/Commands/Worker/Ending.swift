// `jobqctl complete`, `fail`, `extend` and `release`: what a worker says of a job in its hands.
//
// Each is safe to repeat with the same token. "No" when the token is not the job's current claim any more.

import ArgumentParser
import JobqClient
import Wire

/// `jobqctl complete [JOB TOKEN]`
struct Complete: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Complete a job.", discussion: "Exit status 1 when the claim is lost.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var claimed: TokenOptions
    @Option(help: ArgumentHelp("Kept in the record.", valueName: "json"))
    var result: String?

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let (job, token) = try claimed.claimed()
        let result = try result.map { try ClientJSON.read($0, "--result") }
        let reply = try jobqd.request("complete") {
            $0.member("job", job)
            $0.member("token", token)
            if let result { $0.member("result", raw: result.raw) }
        }
        print(connection.json ? Terminal.json(reply) : "\(Terminal.visible(job)) is completed")
        return true
    }
}

/// `jobqctl fail [JOB TOKEN]`
struct Fail: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fail a job: it is retried or becomes a dead letter.",
        discussion: "Exit status 1 when the claim is lost.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var claimed: TokenOptions
    @Option(help: ArgumentHelp("What went wrong; - reads it from standard input.", valueName: "text"))
    var error: String?
    @Flag(help: "Make it a dead letter at once.")
    var noRetry = false
    @Option(help: ArgumentHelp("Retry after this long, instead of the backoff.", valueName: "duration"))
    var retryIn: TimeSpan?

    func validate() throws {
        guard !noRetry || retryIn == nil else { throw ValidationError("give either --no-retry or --retry-in") }
    }

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let (job, token) = try claimed.claimed()
        let error = try error.map { $0 == "-" ? try Self.input() : $0 }
        let reply = try jobqd.request("fail") {
            $0.member("job", job)
            $0.member("token", token)
            if let error { $0.member("error", error) }
            if noRetry { $0.member("retry", false) }
            if let retryIn { $0.member("retry_in_ms", retryIn.milliseconds) }
        }
        if connection.json {
            print(Terminal.json(reply))
        } else if let runAt = reply["run_at"]?.integer {
            print("\(Terminal.visible(job)) is retried at \(TimeText.local(runAt))")
        } else {
            print("\(Terminal.visible(job)) is \(reply["state"]?.string ?? "?")")
        }
        return true
    }

    /// Its end, as that is where a program says why it gave up. Room for escapes: the limit is 16 KiB as JSON.
    private static func input() throws -> String {
        let bytes = try LineReader.standardInput.readAll()
        let text = String(decoding: bytes.suffix(8_000), as: UTF8.self)
        return text.last == "\n" ? String(text.dropLast()) : text
    }
}

/// `jobqctl extend [JOB TOKEN]`
struct Extend: DaemonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Renew the lease of a job, and report its progress.",
        discussion: "Says so when the job was asked to be cancelled. Exit status 1 when the claim is lost.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var claimed: TokenOptions
    @Option(help: ArgumentHelp("Length of the lease from now on.", valueName: "duration"))
    var lease: TimeSpan?
    @Option(help: ArgumentHelp("Shown in the record.", valueName: "json"))
    var progress: String?
    @Option(help: ArgumentHelp("Handed to the next attempt.", valueName: "json"))
    var checkpoint: String?
    @Option(help: ArgumentHelp("A line for the log in the record.", valueName: "text"))
    var log: String?

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let (job, token) = try claimed.claimed()
        let progress = try progress.map { try ClientJSON.read($0, "--progress") }
        let checkpoint = try checkpoint.map { try ClientJSON.read($0, "--checkpoint") }
        let reply = try jobqd.request("extend") {
            $0.member("job", job)
            $0.member("token", token)
            if let lease { $0.member("lease_ms", lease.milliseconds) }
            if let progress { $0.member("progress", raw: progress.raw) }
            if let checkpoint { $0.member("checkpoint", raw: checkpoint.raw) }
            if let log { $0.member("log", log) }
        }
        if connection.json {
            print(Terminal.json(reply))
            return true
        }
        let until = reply["lease_until"]?.integer.map(TimeText.local) ?? "?"
        print("\(Terminal.visible(job)) is held until \(until)")
        if reply["cancel_requested"]?.bool == true { print("its cancellation was requested") }
        return true
    }
}

/// `jobqctl release [JOB TOKEN]`
struct GiveBack: DaemonCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Give a job back to its queue; the attempt does not count.",
        discussion: "Exit status 1 when the claim is lost.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var claimed: TokenOptions
    @Option(help: ArgumentHelp("Start no sooner than this long from now.", valueName: "duration"))
    var delay: TimeSpan?

    func run(_ jobqd: JobqConnection, _ terminal: Terminal) throws -> Bool {
        let (job, token) = try claimed.claimed()
        let reply = try jobqd.request("release") {
            $0.member("job", job)
            $0.member("token", token)
            if let delay { $0.member("delay_ms", delay.milliseconds) }
        }
        let state = reply["state"]?.string ?? "queued"
        print(connection.json ? Terminal.json(reply) : "\(Terminal.visible(job)) is \(state) again")
        return true
    }
}
