// A question to the store that many may ask at a time: one is under way, and whoever asks meanwhile shares the next one's
// answer, which then holds whatever was acknowledged before.

import Reactor
import Store

/// One question, asked for many.
final class SharedQuestion<Value> {
    private let loop: Loop
    private let ask: (@escaping Completion<Value>) -> Void
    private var askers: [Completion<Value>] = []
    private var next: [Completion<Value>] = []
    private var isUnderWay = false

    /// - Parameter ask: asks the store.
    init(loop: Loop, _ ask: @escaping (@escaping Completion<Value>) -> Void) {
        self.loop = loop
        self.ask = ask
    }

    /// Gives the answer to a question that is asked now or later.
    func ask(then: @escaping Completion<Value>) {
        next.append(then)
        if !isUnderWay { begin() }
    }

    private func begin() {
        isUnderWay = true
        askers = next
        next = []
        ask { [self] result in
            var told = askers[...]
            askers = []
            isUnderWay = false
            if !next.isEmpty { begin() }
            loop.inPieces {
                told.popFirst()?(result)
                return !told.isEmpty
            }
        }
    }
}
