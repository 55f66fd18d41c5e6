// line-server PATH: serves lines on a Unix socket until SIGTERM or SIGINT. The yardstick of the daemon's CPU a request.

import Glibc
import LineEcho
import Reactor

guard CommandLine.arguments.count == 2 else {
    print("usage: line-server PATH")
    exit(64)
}
do {
    let loop = try Loop()
    let connections = try ConnectionSet(loop: loop)
    let listener = try Listener(loop: loop, path: CommandLine.arguments[1], mode: 0o600)
    listener.onAccept = { fd, _ in (try? connections.adopt(fd: fd))?.delegate = LineEcho() }
    let signals = [SIGTERM, SIGINT].map { loop.signal($0) { loop.exit(0) } }
    let code = try loop.run()
    listener.close()
    withExtendedLifetime(signals) {}
    exit(code)
} catch {
    print("line-server: \(error)")
    exit(1)
}
