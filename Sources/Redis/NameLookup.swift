// Looks a host name up without holding up the loop.
//
// getaddrinfo() blocks, for tens of seconds when a name server is silent. So it runs in a thread of its own, which owns
// nothing but a copy of the name and one end of a socket pair, writes the addresses it found there, and ends. The loop
// watches the other end. No memory is shared, so there is nothing to lock and nothing to cancel: who lost interest
// closes his end, and the thread, when it comes back at last, finds nobody there (EPIPE).
// getaddrinfo_a() was the alternative: also threads, but in glibc's hands, with a request that must stay in memory until
// gai_cancel() agrees, which it does not while the look-up runs.

import Glibc
import Reactor

/// One look-up under way. Dropping it ends the interest in it.
final class NameLookup {
    /// The addresses in the order to try them, or why there are none.
    typealias Answer = Result<[SocketAddress], LookupError>

    private let input: Descriptor
    private var source: FDSource?

    /// Begins the look-up; `answer` is called once, in a later turn.
    init(loop: Loop, host: String, port: UInt16, answer: @escaping (Answer) -> Void) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            input = Descriptor(fd: -1)
            let problem = LookupError(description: "\(SystemError(errno, "socketpair"))")
            loop.deferred { answer(.failure(problem)) }
            return
        }
        input = Descriptor(fd: ends[0])
        if let problem = LookupJob(host: host, port: port, output: ends[1]).start() {
            loop.deferred { answer(.failure(LookupError(description: "\(problem)"))) }
            return
        }
        source = loop.watch(fd: input.fd, interest: .readable) { [weak self] _ in
            guard let self, let source = self.source else { return }
            // Before the descriptor goes: see `RedisConnection.endWatch`.
            source.isEnabled = false
            self.source = nil
            answer(self.readAnswer(host: host))
        }
    }

    private func readAnswer(host: String) -> Answer {
        var buffer = [UInt8](repeating: 0, count: LookupJob.longestMessage)
        let length = buffer.withUnsafeMutableBytes { read(input.fd, $0.baseAddress, $0.count) }
        return LookupJob.decode(buffer.prefix(max(0, length)), host: host)
    }
}

/// Why a name has no address.
struct LookupError: Error, Equatable, CustomStringConvertible {
    let description: String
}

/// What the thread gets, and how it puts its answer: the error code of getaddrinfo() and errno (Int32 each), then per
/// address one byte of length and the sockaddr. One write, small enough for the buffer of a new socket, so it is whole.
private struct LookupJob {
    let host: String
    let port: UInt16
    let output: Int32

    /// Room for more than a hundred addresses.
    static let longestMessage = 4_096

    /// Starts the thread; what went wrong, or nil.
    func start() -> SystemError? {
        let box = UnsafeMutablePointer<LookupJob>.allocate(capacity: 1)
        box.initialize(to: self)
        var thread = pthread_t()
        let error = pthread_create(&thread, nil, LookupJob.body, box)
        if error == 0 {
            pthread_detach(thread)
            return nil
        }
        box.deinitialize(count: 1)
        box.deallocate()
        close(output)
        return SystemError(error, "pthread_create")
    }

    /// The thread: the argument is the box that `start` allocated for it, and nobody else has it.
    private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        // The loop's signals are the loop's.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        let box = argument!.assumingMemoryBound(to: LookupJob.self)
        let job = box.move()
        box.deallocate()
        job.run()
        return nil
    }

    private func run() {
        let (addresses, error) = SocketAddress.resolve(host: host, port: port, onlyLiteral: false)
        var message: [UInt8] = []
        let code = errno
        withUnsafeBytes(of: error) { message.append(contentsOf: $0) }
        withUnsafeBytes(of: code) { message.append(contentsOf: $0) }
        for address in addresses where message.count + 1 + address.bytes.count <= Self.longestMessage {
            message.append(UInt8(address.bytes.count))
            message.append(contentsOf: address.bytes)
        }
        _ = message.withUnsafeBytes { send(output, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        close(output)
    }

    static func decode(_ message: ArraySlice<UInt8>, host: String) -> NameLookup.Answer {
        guard message.count >= 8 else { return .failure(LookupError(description: "no answer about \(host)")) }
        let error = message.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 0, as: Int32.self) }
        let code = message.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: Int32.self) }
        guard error == 0 else {
            let text = error == EAI_SYSTEM ? SystemError.text(code) : String(cString: gai_strerror(error))
            return .failure(LookupError(description: "cannot look up \(host): \(text)".printable))
        }
        var addresses: [SocketAddress] = []
        var rest = message.dropFirst(8)
        while let length = rest.popFirst() {
            addresses.append(SocketAddress(bytes: Array(rest.prefix(Int(length)))))
            rest = rest.dropFirst(Int(length))
        }
        return addresses.isEmpty
            ? .failure(LookupError(description: "\(host) has no address")) : .success(addresses)
    }
}
