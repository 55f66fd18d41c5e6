// loop-cost [REQUESTS]: the CPU time that a bare server of lines on the loop takes a request, with 1, 50, 500 and 5,000
// connections that are all ready. It must be the same for all: that is what the connection set is for.
//
// Two ways. "ready": one thread sends a line on each connection, then lets the loop work until all are answered, and only
// that is counted (the thread's CPU clock, no sleeping, exactly N ready connections). "served": a client on a thread of
// its own sends to all and waits for all; the serving thread's CPU is counted with its sleeps and wake-ups, as in life.

import Glibc
import LineEcho
import Reactor

/// CPU seconds of the calling thread.
func threadCPU() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// What reading the clock twice adds to a difference, the least of many.
let clockCost = (0..<10_000).reduce(1.0) { least, _ in
    let start = threadCPU()
    return min(least, threadCPU() - start)
}

/// What a client of the other side sends: a hundred bytes, about as long as a small request.
let line = [UInt8](repeating: UInt8(ascii: "x"), count: 99) + [UInt8(ascii: "\n")]

/// A server with `count` connections and the clients' ends of them.
struct Setting {
    let loop: Loop
    let set: ConnectionSet
    var clients: [Int32] = []

    init(_ count: Int) throws {
        loop = try Loop()
        set = try ConnectionSet(loop: loop)
        for _ in 0..<count {
            var ends: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
                throw SystemError(errno, "socketpair")
            }
            try set.adopt(fd: ends[0]).delegate = LineEcho()
            clients.append(ends[1])
        }
    }

    func end() { for fd in clients { close(fd) } }
}

/// Sends a line to each.
func ask(_ clients: [Int32]) { for fd in clients { _ = write(fd, line, line.count) } }

/// Takes an answer from each, waiting for it.
func takeAnswers(_ clients: [Int32], _ buffer: UnsafeMutableRawBufferPointer) {
    for fd in clients { _ = read(fd, buffer.baseAddress!, buffer.count) }
}

/// Whether an answer waits at this end.
func isAnswered(_ fd: Int32) -> Bool {
    var query = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
    return poll(&query, 1, 0) == 1
}

/// CPU µs a request while all are ready, the loop and nothing else on the clock.
func ready(_ count: Int, requests: Int) throws -> Double {
    let setting = try Setting(count)
    defer { setting.end() }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 1)
    defer { buffer.deallocate() }
    // So many turns take all; whether they did is seen from the answers.
    let turns = (count + 255) / 256
    let rounds = max(3, requests / count)
    var used = 0.0
    for round in 0..<rounds + 2 {
        ask(setting.clients)
        let start = threadCPU()
        for _ in 0..<turns { _ = try setting.loop.runOnce(timeout: 0) }
        // The first two rounds warm up.
        if round >= 2 { used += threadCPU() - start - clockCost }
        precondition(setting.clients.allSatisfy(isAnswered), "a connection was left out")
        takeAnswers(setting.clients, buffer)
    }
    return used / Double(rounds * count) * 1e6
}

/// What the client's thread is given.
struct Client: Sendable {
    let clients: [Int32]
    let rounds: Int
    let done: Int32
}

/// CPU µs a request of a thread that serves a client on another thread.
func served(_ count: Int, requests: Int) throws -> Double {
    let setting = try Setting(count)
    defer { setting.end() }
    var done: [Int32] = [-1, -1]
    guard pipe(&done) == 0 else { throw SystemError(errno, "pipe") }
    defer { close(done[0]) }
    let source = setting.loop.watch(fd: done[0], interest: []) { _ in setting.loop.exit(0) }
    let rounds = max(3, requests / count)
    let client = Client(clients: setting.clients, rounds: rounds, done: done[1])
    let box = Unmanaged.passRetained(ClientBox(client))
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { argument in
            let client = Unmanaged<ClientBox>.fromOpaque(argument!).takeRetainedValue().client
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 1)
            defer { buffer.deallocate() }
            for _ in 0..<client.rounds {
                ask(client.clients)
                takeAnswers(client.clients, buffer)
            }
            close(client.done)
            return nil
        }, box.toOpaque())
    let start = threadCPU()
    _ = try setting.loop.run()
    let used = threadCPU() - start
    pthread_join(thread, nil)
    withExtendedLifetime(source) {}
    return used / Double(rounds * count) * 1e6
}

/// Carries a value through a C pointer.
final class ClientBox {
    let client: Client
    init(_ client: Client) { self.client = client }
}

/// Right-aligned in eight columns, with two decimals.
func column(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let digits = String(hundredths % 100)
    let text = "\(hundredths / 100).\(digits.utf8.count < 2 ? "0" : "")\(digits)"
    return String(repeating: " ", count: max(0, 12 - text.utf8.count)) + text
}

/// The middle of three measurements.
func median(_ measure: () throws -> Double) rethrows -> Double {
    try [measure(), measure(), measure()].sorted()[1]
}

let requests = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 200_000
var limit = rlimit()
getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
limit.rlim_cur = limit.rlim_max
setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

let counts = [1, 50, 500, 5_000]
var rows: [(Double, Double)] = []
for count in counts {
    rows.append(
        (
            try median { try ready(count, requests: requests) }, try median { try served(count, requests: requests) }
        ))
}
print("CPU µs a request of a server of lines on the loop (median of 3, \(requests) requests each)")
print("connections     ready, µs    against 50    served, µs    against 50")
for (count, row) in zip(counts, rows) {
    let name = String(repeating: " ", count: 11 - "\(count)".utf8.count) + "\(count)"
    print(name + [row.0, row.0 / rows[1].0, row.1, row.1 / rows[1].1].map { "  " + column($0) }.joined())
}
