// The administrators' socket: it is the owner's alone, and it has places of its own.

import Foundation
import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct AdminSocketTests {
    @Test func anAdministratorGetsInWhenClientsHaveTakenAllPlaces() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("admin.sock")
        let daemon = try Daemon(.memory, arguments: ["--max-connections", "1", "--admin-socket", path])
        var client: LineClient?
        try eventually(within: 5, "the one place") {
            client = try daemon.connect()
            return (try? client?.request(["op": "ping"], within: 1)["ok"]) == true
        }
        let beyond = try daemon.connect()
        try beyond.send(["op": "ping"])
        let administrator = try LineClient(path)
        #expect(try administrator.call("info")["connections"] == 2)
        #expect(try beyond.staysSilent(for: 0.3))
        client?.close()
        #expect(try beyond.receive()["ok"] == true)
    }

    @Test func administratorsAreBoundedToo() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("admin.sock")
        let daemon = try Daemon(.memory, arguments: ["--admin-socket", path])
        let first = try (0..<32).map { _ in try LineClient(path) }
        for administrator in first { try administrator.call("ping") }
        let beyond = try LineClient(path)
        try beyond.send(["op": "ping"])
        #expect(try beyond.staysSilent(for: 0.3))
        try daemon.connect().call("ping")
        first[0].close()
        #expect(try beyond.receive()["ok"] == true)
    }

    @Test func itIsTheOwnersAlone() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("admin.sock")
        let daemon = try Daemon(.memory, arguments: ["--admin-socket", path, "--socket-mode", "0666"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        try daemon.terminate()
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
