// What the sources of the loop have in common: an owner of one sd_event_source and the way from C back to it.
//
// sd-event calls a C function with the pointer that was given with the source. That pointer is the Swift object,
// unretained: the object owns the sd_event_source and ends it in its deinit, so sd-event can never call for an object
// that is gone. Subclasses are the kinds of sources; they override `fire`.

internal import CSystemd
internal import Glibc

/// A source of events on a loop. It is active while the object lives; letting go of the object cancels it.
public class LoopSource {
    /// The loop it belongs to. A source keeps its loop, the loop does not keep its sources.
    public let loop: Loop
    /// The sd_event_source; nil only while a subclass is being built.
    final var handle: OpaquePointer?

    init(loop: Loop) { self.loop = loop }

    deinit { sd_event_source_disable_unref(handle) }

    /// What happened, as sd-event reported it.
    enum Occurrence {
        case ready(UInt32)
        case time
        case signal
        case childEnded(ExitStatus)
    }

    /// Does what the source is for. Runs on the loop's thread; the object stays alive during the call.
    func fire(_ occurrence: Occurrence) {}

    /// The pointer to hand to sd-event. Unretained: see the head of the file.
    final var userData: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    /// The one way from C into Swift: checks the thread, lets the source do its work, ends the turn.
    ///
    /// The strong reference taken here keeps the source (and its closure) alive even when the handler drops it.
    static func arrive(_ userData: UnsafeMutableRawPointer?, _ occurrence: Occurrence) -> Int32 {
        let source = Unmanaged<LoopSource>.fromOpaque(userData!).takeUnretainedValue()
        let loop = source.loop
        loop.checkThread()
        loop.beginTurn()
        source.fire(occurrence)
        loop.endTurn()
        return 0
    }

    /// Marks the source's place in the order of dispatch: smaller numbers first when several are ready. 0 at first.
    public final func setPriority(_ priority: Int64) {
        expectSuccess(sd_event_source_set_priority(handle, priority), "sd_event_source_set_priority")
    }
}
