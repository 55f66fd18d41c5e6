// Who is taken in, and what connections leave behind in the count of memory: a broker on the model store, in this process.

import Glibc
import Harness
import Logging
import Reactor
import Store
import Testing

@testable import Broker

@Suite(.timeLimit(.minutes(1))) struct AdmissionTests {
    private let loop: Loop
    private let broker: Broker

    init() throws {
        loop = try Loop()
        var options = BrokerOptions()
        options.firstLineUs = 300_000
        let store = MemoryStore(loop: loop)
        broker = try Broker(
            options: options, loop: loop, store: store, wallClockMs: { 0 }, logger: Logger(label: "test"))
        loop.atTurnEnd { store.flush() }
        broker.start()
    }

    private func connect() throws -> UnixSocket {
        var ends: [Int32] = [-1, -1]
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, flags, 0, &ends) == 0 else { throw HarnessError("socketpair: errno \(errno)") }
        broker.accept(ends[0])
        return UnixSocket(descriptor: ends[1])
    }

    private func turn(until what: String, _ condition: () throws -> Bool) throws {
        let deadline = Deadline(after: 20)
        while try !condition() {
            if deadline.hasPassed { throw HarnessError("\(what): not within 20 s") }
            _ = try loop.runOnce(timeout: 10_000)
        }
    }

    @Test func whoSendsNoWholeLineIsClosedAndWhoHasSentOneMayBeSilent() throws {
        let talker = try connect()
        try talker.write(Array("{\"op\":\"ping\"}\n".utf8))
        let silent = try connect()
        let slow = try connect()
        try slow.write(Array("{\"op\":\"pi".utf8))
        try turn(until: "two of three are closed") { broker.connectionCount == 1 }
        #expect(broker.figures.connectionsSilent == 2)
        #expect(try silent.read(until: Deadline(after: 1)) == [])
        #expect(try talker.read(until: Deadline(after: 1))?.isEmpty == false)
        withExtendedLifetime(slow) {}
    }

    @Test func memoryIsCountedWhileItIsHeldAndNothingIsLeftWhenAllHaveGone() throws {
        let half = try connect()
        try half.write([UInt8](repeating: 0x78, count: 100_000))
        let waiting = try connect()
        for id in 0..<20 {
            try waiting.write(Array(#"{"op":"claim","id":\#(id),"queues":["a","b"],"wait_ms":60000}\#n"#.utf8))
        }
        let unread = try connect()
        let payload = String(repeating: "x", count: 90_000)
        let line = #"{"op":"enqueue","queue":"q","job_id":"j","payload":"\#(payload)"}\#n"#
        try unread.write(Array(line.utf8))
        for id in 0..<30 { try unread.write(Array(#"{"op":"get","id":\#(id),"job":"q/j"}\#n"#.utf8)) }
        let input = 100_000
        let claims = 20 * 600
        let output = 30 * 90_000 - 400_000
        try turn(until: "all of it is counted") { broker.budget.held > input + claims + output }
        #expect(broker.budget.held < input + 20 * 1_000 + 31 * 92_000)
        for socket in [half, waiting, unread] { socket.close() }
        try turn(until: "all have gone") { broker.connectionCount == 0 }
        try turn(until: "nothing is counted") { broker.budget.held == 0 && broker.budget.orphaned == 0 }
    }

    @Test func placesAreCountedByUser() {
        var places = ConnectionPlaces()
        for user in [1, 1, 2] as [UInt32] { places.take(for: user) }
        #expect(places.count == 3 && places.count(of: 1) == 2 && places.count(of: 3) == 0)
        places.leave(1)
        places.leave(2)
        #expect(places.count == 1 && places.count(of: 1) == 1 && places.count(of: 2) == 0)
    }
}
