// Work on many jobs that cannot be undone: counted first, asked about, then done step by step with a progress bar and at
// the pace that was asked for.
//
// What the daemon can filter by itself it does in its own bounded steps. Otherwise the names of the jobs that pass are
// gathered first, and then done one by one; a job that has moved on meanwhile is passed over. What comes in while the work
// goes on is not part of it: no more jobs are done than were counted.

import ArgumentParser
import JobqClient
import Wire

/// Options of a work on many jobs.
struct BulkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Stop after N jobs.", valueName: "n"))
    var limit: Int?
    @Option(help: ArgumentHelp("Up to this many jobs a second.", valueName: "rate"))
    var rate: Double?
    @Flag(help: "Only count the jobs.")
    var dryRun = false
    @OptionGroup var confirmation: ConfirmationOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if let rate, !(0.001...1e6).contains(rate) { throw ValidationError("--rate must be 0.001 to 1000000") }
    }
}

/// What is done with each job.
enum BulkAction {
    case replay, purge

    /// The operation on many, and on one.
    var operations: (many: String, one: String) {
        switch self {
        case .replay: ("requeue", "requeue")
        case .purge: ("purge", "delete")
        }
    }
    /// The member of the reply that counts.
    var counter: String { self == .replay ? "requeued" : "purged" }
    var question: String { self == .replay ? "Replay" : "Purge" }
    var doing: String { self == .replay ? "replaying" : "purging" }
    var done: String { self == .replay ? "replayed" : "purged" }

    /// Whether the daemon can filter by all that is selected.
    func isKnown(_ selection: JobSelection) -> Bool {
        selection.reason == nil && selection.error == nil && (self == .purge || selection.olderThan == nil)
    }
}

struct BulkWork {
    let jobqd: JobqConnection
    let action: BulkAction
    let selection: JobSelection
    let options: BulkOptions
    let isJSON: Bool

    func run() throws -> Bool {
        let isKnown = action.isKnown(selection)
        // Names are needed only for what the daemon cannot filter.
        var names: [String] = []
        let total: Int
        if selection.isWholeState {
            total = min(try countWhole(), options.limit ?? .max)
        } else {
            var count = 0
            try selection.each(jobqd) { job in
                count += 1
                if !isKnown, let name = job["job"]?.string { names.append(name) }
                return count < options.limit ?? .max
            }
            total = count
        }
        if options.dryRun || total == 0 {
            if !(isJSON && options.dryRun && selection.isWholeState) { say(total, skipped: 0) }
            return true
        }
        try options.confirmation.confirm("\(action.question) \(selection.phrase(total))?")
        Interruption.watch()
        if isKnown { try inSteps(total) } else { try oneByOne(names) }
        return true
    }

    /// The daemon's own count. Printed as it came with --json --dry-run.
    private func countWhole() throws -> Int {
        let reply = try step(limit: options.limit.map { min($0, 500) } ?? 500, dryRun: true)
        if isJSON, options.dryRun { print(Terminal.json(reply)) }
        return Int((reply[action.counter]?.integer ?? 0) + (reply["remaining"]?.integer ?? 0))
    }

    private func step(limit: Int, dryRun: Bool) throws -> JSONDocument {
        try jobqd.request(action.operations.many) {
            $0.member("queue", selection.queue)
            $0.member("state", selection.state.rawValue)
            $0.member("limit", limit)
            if let type = selection.type { $0.member("type", type) }
            if let olderThan = selection.olderThan { $0.member("older_than_ms", olderThan.milliseconds) }
            if dryRun { $0.member("dry_run", true) }
        }
    }

    private func inSteps(_ total: Int) throws {
        try work(total) { left, pace in
            let reply = try step(limit: pace.step(of: left, atMost: 500), dryRun: false)
            let count = Int(reply[action.counter]?.integer ?? 0)
            return (reply, done: count, isOver: count == 0)
        }
    }

    private func oneByOne(_ names: [String]) throws {
        var rest = names[...]
        try work(names.count) { _, _ in
            guard let name = rest.popFirst() else { return (nil, done: 0, isOver: true) }
            do {
                return (try jobqd.request(action.operations.one) { $0.member("job", name) }, done: 1, isOver: false)
            } catch let moved as ProtocolError where [.notFound, .wrongState].contains(moved.errorCode) {
                return (nil, done: 0, isOver: false)
            }
        }
    }

    private func work(
        _ total: Int, _ next: (_ left: Int, _ pace: Pace) throws -> (reply: JSONDocument?, done: Int, isOver: Bool)
    ) throws {
        let pace = Pace(perSecond: options.rate)
        var bar = ProgressBar("\(action.doing) \(selection.queue)", total: total)
        var done = 0
        var skipped = 0
        do {
            bar.show(0)
            while done + skipped < total, !Interruption.isRequested {
                let step = try next(total - done, pace)
                if step.isOver { break }
                done += step.done
                if step.done == 0 { skipped += 1 }
                if isJSON, let reply = step.reply { print(Terminal.json(reply)) }
                bar.show(done + skipped, always: options.rate != nil)
                if done + skipped < total { pace.wait(after: done) }
            }
        } catch {
            bar.clear()
            say(done, skipped: skipped)
            throw error
        }
        bar.clear()
        say(done, skipped: skipped)
        if Interruption.isRequested {
            Terminal.complain("interrupted")
            throw Interruption.status.code
        }
    }

    private func say(_ count: Int, skipped: Int) {
        if isJSON {
            // The replies were printed; what was only counted here has none.
            if options.dryRun || count == 0 {
                print("{\"ok\":true,\"\(action.counter)\":\(count),\"remaining\":0,\"dry_run\":\(options.dryRun)}")
            }
            return
        }
        let verb = options.dryRun ? "would be \(action.done)" : action.done
        print("\(Terminal.visible(selection.phrase(count))) \(verb)")
        if skipped > 0 { print("\(skipped.of("other")) moved on meanwhile") }
    }
}
