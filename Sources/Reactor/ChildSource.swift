// The end of a child process as a source of the loop: sd-event watches a pidfd and reaps the child after the handler.

internal import CSystemd
internal import Glibc

extension Loop {
    /// Calls `handler` once when the child ends, and reaps it. Blocks SIGCHLD in this thread (sd_event_add_child(3)).
    public func child(
        _ process: ChildProcess, _ handler: @escaping (ExitStatus) -> Void
    ) throws(SystemError) -> ChildSource {
        try ChildSource(loop: self, process: process, handler)
    }
}

/// A child process under watch. Letting go of it ends the watch, not the child.
public final class ChildSource: LoopSource {
    private let process: ChildProcess
    private let handler: (ExitStatus) -> Void

    init(loop: Loop, process: ChildProcess, _ handler: @escaping (ExitStatus) -> Void) throws(SystemError) {
        self.process = process
        self.handler = handler
        super.init(loop: loop)
        Loop.block(SIGCHLD)
        try check(
            sd_event_add_child(
                loop.event, &handle, process.pid, WEXITED,
                { _, info, userData in LoopSource.arrive(userData, .childEnded(ExitStatus(info!))) }, userData),
            "sd_event_add_child")
    }

    override func fire(_ occurrence: Occurrence) {
        guard case .childEnded(let status) = occurrence else { return }
        process.hasEnded = true
        handler(status)
    }
}

extension ExitStatus {
    /// From what waitid(2) filled in.
    fileprivate init(_ info: UnsafePointer<siginfo_t>) {
        let status = jobqd_child_status(info)
        self = info.pointee.si_code == Int32(CLD_EXITED) ? .exited(status) : .signalled(status)
    }
}
