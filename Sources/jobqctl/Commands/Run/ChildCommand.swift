// One run of the command: its process group, the payload on its way in, what it says on its way out. Never waits; whoever
// owns it polls its descriptors.
//
// A command that is told to end has until `killAt`, and so has all of its group: a shell dies at once, and the worker below it
// cleans up. What a command leaves behind when it ends by itself is left alone, and its pipes are read as long as somebody polls.

import CSpawn
import Glibc

/// A running child.
final class ChildCommand {
    let pid: pid_t
    /// What is still to be written to its standard input, which is closed behind it.
    private var payload: [UInt8]
    private var input: Int32
    /// −1 when its standard output is ours.
    private var output: Int32
    private var errors: Int32
    /// What it wrote, up to a bound and one read.
    private(set) var outputBytes: [UInt8] = []
    /// The last of what it wrote to its standard error.
    private(set) var lastErrors: [UInt8] = []
    private(set) var end: CommandVerdict.End?
    /// When a child that was told to end is killed, and its group with it (monotonic ms).
    private(set) var killAt: Int64?
    /// It has ended, but its group has not.
    private(set) var awaitsGroup = false
    private let forwardErrors: ([UInt8]) -> Void

    private static let tailLength = 16 << 10

    /// - Parameters:
    ///   - command, environment: each without the 0 at its end, of any bytes but 0.
    ///   - errors: takes what it writes to its standard error.
    /// - Throws: the `errno` for which it could not be started.
    init(
        _ command: [[UInt8]], environment: [[UInt8]], payload: [UInt8], keepsOutput: Bool,
        errors forward: @escaping ([UInt8]) -> Void
    ) throws(SpawnProblem) {
        self.payload = payload
        forwardErrors = forward
        var pipes = PipeEnds()
        let (inputRead, inputWrite) = try pipes.make()
        let (errorsRead, errorsWrite) = try pipes.make()
        let (outputRead, outputWrite) = keepsOutput ? try pipes.make() : (-1, STDOUT_FILENO)
        let pid = Self.spawn(command, environment, inputRead, outputWrite, errorsWrite)
        switch pid {
        case .failure(let problem):
            pipes.closeAll()
            throw problem
        case .success(let pid): self.pid = pid
        }
        close(inputRead)
        close(errorsWrite)
        if keepsOutput { close(outputWrite) }
        (input, output, errors) = (inputWrite, outputRead, errorsRead)
        for end in [input, output, errors] where end >= 0 { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    deinit { for end in [input, output, errors] where end >= 0 { close(end) } }

    private static func spawn(
        _ command: [[UInt8]], _ environment: [[UInt8]], _ input: Int32, _ output: Int32, _ errors: Int32
    ) -> Result<pid_t, SpawnProblem> {
        let copy = { (bytes: [UInt8]) in
            (bytes + [0]).withUnsafeBytes { strdup($0.assumingMemoryBound(to: CChar.self).baseAddress!) }
        }
        var arguments = command.map(copy) + [nil]
        var variables = environment.map(copy) + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let code = cspawn_run(&arguments, &variables, input, output, errors, &pid)
        return code == 0 ? .success(pid) : .failure(SpawnProblem(code: code))
    }

    // MARK: Its descriptors

    /// What to poll; those that are closed are −1.
    var pollEntries: [pollfd] {
        [
            pollfd(fd: input, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
    }

    /// Whether somebody may still write to it.
    var hasOpenPipes: Bool { output >= 0 || errors >= 0 }

    /// Does what the entries' `revents` allow.
    func process(_ ready: ArraySlice<pollfd>) {
        let ready = Array(ready)
        if ready[0].revents != 0 { writePayload() }
        if ready[1].revents != 0 { readOutput() }
        if ready[2].revents != 0 { readErrors() }
    }

    private func writePayload() {
        let count = write(input, payload, payload.count)
        if count > 0 { payload.removeFirst(count) }
        // A command that does not want to read is free to do so.
        let isOver = payload.isEmpty || (count < 0 && errno != EAGAIN && errno != EINTR)
        if isOver { Self.closeEnd(&input) }
    }

    private func readOutput() {
        guard let chunk = Self.readChunk(&output) else { return }
        // One byte beyond the bound tells that it is too long; the rest is not kept.
        let room = max(0, CommandVerdict.longestResult + 1 - outputBytes.count)
        outputBytes += chunk.prefix(room)
    }

    private func readErrors() {
        guard let chunk = Self.readChunk(&errors) else { return }
        forwardErrors(chunk)
        lastErrors += chunk
        if lastErrors.count > Self.tailLength { lastErrors.removeFirst(lastErrors.count - Self.tailLength) }
    }

    private static func readChunk(_ descriptor: inout Int32) -> [UInt8]? {
        guard descriptor >= 0 else { return nil }
        let source = descriptor
        var result = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            result = read(source, buffer.baseAddress, buffer.count)
            count = max(0, result)
        }
        if result > 0 { return chunk }
        if result == 0 || (errno != EAGAIN && errno != EINTR) { closeEnd(&descriptor) }
        return nil
    }

    private static func closeEnd(_ descriptor: inout Int32) {
        Glibc.close(descriptor)
        descriptor = -1
    }

    // MARK: Its end

    /// Asks whether it has ended, and if so, takes what it said last. A child of its own that still has the pipes is not
    /// waited for, unless it was told to end: then its group has the time that it was given.
    ///
    /// - Parameter living: the groups that have a process; nil = not known.
    func reap(at now: Int64, living: () -> Set<pid_t>?) -> Bool {
        guard end == nil else { return true }
        var info = siginfo_t()
        guard waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_signo == SIGCHLD else {
            return false
        }
        // As long as it is not reaped, nobody else can have its group's number.
        if let killAt {
            awaitsGroup = killAt != .max && now < killAt && living()?.contains(pid) ?? true
            if awaitsGroup { return false }
            kill(-pid, SIGKILL)
        }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        end = CommandVerdict.End(status: status)
        // What a pipe holds takes two reads; a grandchild that goes on writing is not listened to.
        for _ in 0..<4 { readOutput() }
        for _ in 0..<4 { readErrors() }
        if input >= 0 { Self.closeEnd(&input) }
        return true
    }

    /// SIGTERM to its group now, and SIGKILL at that time (monotonic ms) if it is still there. Once.
    func terminate(killAt time: Int64) {
        guard end == nil, killAt == nil else { return }
        killAt = time
        kill(-pid, SIGTERM)
    }

    /// SIGKILL to its group.
    func killNow() {
        guard end == nil else { return }
        // It is reaped soon; until then nothing is due.
        killAt = .max
        kill(-pid, SIGKILL)
    }
}

/// Why a command could not be started.
struct SpawnProblem: Error, CustomStringConvertible {
    let code: Int32
    var description: String { String(cString: strerror(code)) }
    /// Something was short just now: processes, memory, descriptors. The command may be right.
    var isTemporary: Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(code) }
}

/// Pipes that are all closed again when something goes wrong.
private struct PipeEnds {
    private var all: [Int32] = []

    mutating func make() throws(SpawnProblem) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let problem = SpawnProblem(code: errno)
            closeAll()
            throw problem
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        all += ends
        return (ends[0], ends[1])
    }

    func closeAll() { for end in all { close(end) } }
}
