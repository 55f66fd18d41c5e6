// The daemon's own directory. Only the child Redis lives in it, so without one it is not touched.

import Glibc
import Reactor

enum StateDirectory {
    /// Makes the directory (0700) when the daemon will need it and it is not there.
    static func prepare(_ configuration: Configuration) throws(StartFailure) {
        guard configuration.storeKind == .redis, configuration.redisURL == nil else { return }
        let path = configuration.stateDirectory
        guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
        throw StartFailure(
            message: "cannot create the state directory \(path): \(SystemError.text(errno))",
            exitCode: ExitCode.cannotCreate)
    }
}
