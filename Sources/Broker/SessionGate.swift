// Which request of a connection may be looked at next. A state machine without I/O.
//
// States: `open` (n requests with an id are under way) and `barred` (one without an id is, and n with). The protocol:
// "Without an `id` the next line is not looked at before this one is answered", and "at most `in_flight` requests of one
// connection are open at a time".

/// The order rules of one connection.
struct SessionGate: Equatable {
    private enum State: Equatable {
        case open
        case barred
    }
    private var state = State.open
    private var identified = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Requests taken and not yet answered.
    var open: Int { identified + (state == .barred ? 1 : 0) }

    /// Whether the next line may be looked at.
    var mayTakeRequest: Bool { state == .open && identified < limit }

    /// A request was taken. Only after `mayTakeRequest` said so.
    mutating func admit(identified hasID: Bool) {
        precondition(mayTakeRequest, "a request was taken that had to wait")
        if hasID { identified += 1 } else { state = .barred }
    }

    /// A request was answered.
    mutating func answered(identified hasID: Bool) {
        if hasID {
            precondition(identified > 0, "an answer without a request")
            identified -= 1
        } else {
            precondition(state == .barred, "an answer without a request")
            state = .open
        }
    }
}
