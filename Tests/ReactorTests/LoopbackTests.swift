// TCP on the loopback interface: which addresses are taken, and that connections arrive, from nobody in particular.

import Glibc
import Harness
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoopbackTests {
    @Test(arguments: ["127.0.0.1:9187", "127.255.255.255:65535", "[::1]:1"])
    func anAddressOfTheLoopbackInterfaceIsTaken(text: String) {
        #expect(LoopbackAddress(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1: 1",
        "128.0.0.1:1",
        "0.0.0.0:1", "127.1:1", "127.0.0.1.1:1", "::1:1", "[::]:1", "[::1]", "[::1:1", "[0:0:0:0:0:0:0:1]:1",
        "localhost:1",
        "127.0.0.1:１",
    ])
    func nothingElseIs(text: String) { #expect(LoopbackAddress(text) == nil) }

    @Test func aConnectionArrivesFromNobody() throws {
        let loop = try Loop()
        let (listener, port) = try listener(loop)
        var accepted: [(Int32, PeerCredentials)] = []
        listener.onAccept = { accepted.append(($0, $1)) }
        #expect(listener.place == "127.0.0.1:\(port)" && listener.path == nil)
        let client = try LoopbackPort.connect(port)
        defer { close(client) }
        try loop.turn(until: "it is accepted") { accepted.count == 1 }
        #expect(accepted.first?.1.pid == 0)
        #expect(accepted.first?.1.uid != getuid() || getuid() == 65534)
        for (fd, _) in accepted { close(fd) }
    }

    @Test func aPortInUseIsSaidSo() throws {
        let (first, port) = try listener(Loop())
        let address = try #require(LoopbackAddress("127.0.0.1:\(port)"))
        #expect(throws: ListenError.inUse(path: "127.0.0.1:\(port)")) {
            _ = try Listener(loop: Loop(), address: address)
        }
        withExtendedLifetime(first) {}
    }

    private func listener(_ loop: Loop) throws -> (Listener, UInt16) {
        let port = try LoopbackPort.free()
        return (try Listener(loop: loop, address: #require(LoopbackAddress("127.0.0.1:\(port)"))), port)
    }
}
