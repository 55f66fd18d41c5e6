// The version of this release: the one place where it stands. The daemon, jobqctl and the package take it from here.

public enum Release {
    /// Semantic versioning: what a script or a client relies on changes with the first number only.
    public static let version = "0.1.0"
}
