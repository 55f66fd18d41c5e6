// Whether a listener knows that its path leads to it, and notices when it does not any more.

import Foundation
import Glibc
import Harness
import Reactor
import Testing

@Suite(.timeLimit(.minutes(1))) struct AddressTests {
    /// A listener on a path of its own, and what it says after a few looks between which the loop runs.
    private struct Place {
        let folder: TemporaryDirectory
        let loop: Loop
        let listener: Listener
        var path: String { folder.file("s") }

        init() throws {
            folder = try TemporaryDirectory()
            loop = try Loop()
            listener = try Listener(loop: loop, path: folder.file("s"))
        }

        func looked() throws -> AddressState {
            var state = AddressState.unknown
            for _ in 0..<4 {
                state = listener.lookAtAddress()
                try loop.turnWhileBusy()
            }
            return state
        }
    }

    @Test func itsOwnPathIsReachableAndIsTriedOnlyOnce() throws {
        let place = try Place()
        var accepted = 0
        place.listener.onAccept = { fd, _ in
            accepted += 1
            close(fd)
        }
        #expect(place.listener.lookAtAddress() == .unknown)
        #expect(try place.looked() == .reachable)
        // The probe is not handed on, and a file that stays as it is makes no further one.
        #expect(accepted == 0)
        let client = try UnixSocket(path: place.path)
        try place.loop.turn(until: "it is accepted") { accepted == 1 }
        #expect(try place.looked() == .reachable && accepted == 1)
        withExtendedLifetime(client) {}
    }

    @Test func aRemovedFileIsNoticedAndSoIsItsReturn() throws {
        let place = try Place()
        #expect(try place.looked() == .reachable)
        rename(place.path, place.path + ".away")
        #expect(try place.looked() == .unreachable("\(place.path) does not exist"))
        rename(place.path + ".away", place.path)
        #expect(try place.looked() == .reachable)
    }

    @Test func anothersSocketInItsPlaceIsNoticedAndOneThatNobodyHasToo() throws {
        let place = try Place()
        #expect(try place.looked() == .reachable)
        unlink(place.path)
        let other = try Listener(loop: Loop(), path: place.path)
        #expect(try place.looked() == .unreachable("\(place.path) leads to another socket"))
        rename(place.path, place.path + ".other")
        other.close()
        rename(place.path + ".other", place.path)
        #expect(try place.looked() == .unreachable("\(place.path) is nobody's socket"))
        unlink(place.path)
        _ = try place.folder.write("", to: "s")
        #expect(try place.looked() == .unreachable("\(place.path) is not a socket"))
    }

    @Test func anotherModeChangesNothing() throws {
        let place = try Place()
        #expect(try place.looked() == .reachable)
        chmod(place.path, 0o600)
        #expect(place.listener.lookAtAddress() == .reachable)
        #expect(try place.looked() == .reachable)
    }

    @Test func aListenerThatTakesNobodyForNowIsNotJudged() throws {
        let place = try Place()
        place.listener.pause()
        #expect(try place.looked() == .unknown)
        place.listener.resume()
        #expect(try place.looked() == .reachable)
    }

    @Test func aPortHasNoFileThatCouldBeTakenAway() throws {
        let port = try LoopbackPort.free()
        let listener = try Listener(loop: Loop(), address: #require(LoopbackAddress("127.0.0.1:\(port)")))
        #expect(listener.lookAtAddress() == .unknown)
    }

    @Test func whatThePeerSentBeforeTheEndOfInputIsReadAndNothingAfter() throws {
        let connections = try Connections()
        let (pair, stream, recorder) = try connections.stream()
        pair.send("before")
        stream.endInput()
        #expect(send(pair.theirs, "after", 5, Int32(MSG_NOSIGNAL)) == -1 && errno == EPIPE)
        try connections.loop.turn(until: "the end of input") { !recorder.events.isEmpty }
        #expect(recorder.text == "before" && recorder.events == ["end of input"])
        stream.write(Array("answer".utf8))
        stream.closeAfterFlush()
        try connections.loop.turn(until: "the close") { recorder.reason == .closedByUs }
        #expect(pair.receiveText() == "answer")
    }
}
