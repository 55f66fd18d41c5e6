// Messages to the service manager, the watchdog, socket activation. The environment belongs to the whole process, so these
// run one after the other; other tests' daemons may send to our socket meanwhile, which is why messages are looked for.

import Foundation
import Glibc
import Harness
import Reactor
import Testing

/// A service manager's end of NOTIFY_SOCKET.
private final class NotifySocket {
    private let folder: TemporaryDirectory
    private let fd: Int32
    private var messages: [String] = []

    init() throws {
        folder = try TemporaryDirectory()
        fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let fd = fd
        guard withUnixAddress(folder.file("n"), { bind(fd, $0, $1) }) == 0 else { throw HarnessError("bind") }
        setenv("NOTIFY_SOCKET", folder.file("n"), 1)
    }

    deinit {
        unsetenv("NOTIFY_SOCKET")
        close(fd)
    }

    /// Waits for a message that `fits`.
    func message(_ what: String, _ fits: (String) -> Bool) throws -> String {
        try eventualValue(what) {
            var chunk = [UInt8](repeating: 0, count: 4_096)
            while case let n = recv(fd, &chunk, chunk.count, 0), n > 0 {
                messages.append(String(decoding: chunk[..<n], as: UTF8.self))
            }
            return messages.first(where: fits)
        }
    }
}

@Suite(.serialized, .timeLimit(.minutes(1))) struct ServiceManagerTests {
    @Test func messagesArriveAsDocumented() throws {
        let manager = try NotifySocket()
        #expect(ServiceManager.status("two\nlines \u{1B}[31m"))
        #expect(try manager.message("STATUS") { $0.hasPrefix("STATUS=two") } == "STATUS=two\\nlines \\x1b[31m")
        #expect(ServiceManager.ready())
        _ = try manager.message("READY") { $0 == "READY=1" }
        #expect(ServiceManager.stopping())
        _ = try manager.message("STOPPING") { $0 == "STOPPING=1" }
    }

    @Test func reloadCarriesTheMonotonicTime() throws {
        let manager = try NotifySocket()
        let before = try Loop().now
        #expect(ServiceManager.reloading())
        let message = try manager.message("RELOADING") { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") }
        let time = try #require(message.split(separator: "=").last.flatMap { UInt64($0) })
        #expect(time >= before)
        #expect(try time <= Loop().now)
    }

    @Test func withoutAManagerNothingIsSentAndNothingFails() {
        #expect(!ServiceManager.ready())
        #expect(!ServiceManager.reloading())
    }

    @Test func loopFeedsTheWatchdogByItself() throws {
        let manager = try NotifySocket()
        setenv("WATCHDOG_USEC", "100000", 1)
        setenv("WATCHDOG_PID", "\(getpid())", 1)
        defer {
            unsetenv("WATCHDOG_USEC")
            unsetenv("WATCHDOG_PID")
        }
        let loop = try Loop()
        #expect(loop.enableWatchdog())
        let timer = loop.timer { loop.exit(0) }
        timer.arm(after: 150_000)
        _ = try loop.run()
        _ = try manager.message("WATCHDOG") { $0 == "WATCHDOG=1" }
    }

    @Test func withoutAWatchdogThereIsNoneToFeed() throws {
        #expect(try !Loop().enableWatchdog())
    }

    @Test func passedSocketsAreTakenOnceWithTheirNames() async throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("s")
        let seen = try await withOwnDescriptors {
            // On this thread 3 and 4 are free.
            for _ in 0..<2 { _ = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) }
            guard withUnixAddress(path, { bind(3, $0, $1) }) == 0, listen(3, 8) == 0 else { throw HarnessError("bind") }
            setenv("LISTEN_PID", "\(getpid())", 1)
            setenv("LISTEN_FDS", "2", 1)
            setenv("LISTEN_FDNAMES", "jobqd:admin", 1)
            let first = ServiceManager.listenDescriptors()
            let second = ServiceManager.listenDescriptors()
            let loop = try Loop()
            var accepted = 0
            let listener = try Listener(loop: loop, fd: first[0].fd)
            listener.onAccept = { _, _ in accepted += 1 }
            let client = try UnixSocket(path: path)
            try loop.turn(until: "it is accepted") { accepted == 1 }
            withExtendedLifetime(client) {}
            return (first.map { "\($0.fd) \($0.name)" }, second.count, fcntl(3, F_GETFD))
        }
        #expect(seen.0 == ["3 jobqd", "4 admin"])
        #expect(seen.1 == 0)
        #expect(seen.2 == FD_CLOEXEC)
    }
}
