// The one place where libsystemd and the Linux system calls around it meet Swift.
//
// Beside the includes it has small static inline functions for what Swift cannot do by itself: macros over unions
// (siginfo_t), system calls without a glibc wrapper (pidfd_open), a change of the umask that must be put back, and
// fork/exec, whose child may only run async-signal-safe code. Functions return a negative errno where they fail.
#ifndef JOBQD_CSYSTEMD_SHIM_H
#define JOBQD_CSYSTEMD_SHIM_H
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-login.h>
#include <unistd.h>

// _GNU_SOURCE would bring these, but also another fd_set than the one in Swift's own view of glibc, which then refuses.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int[2], int);

/// A descriptor that becomes readable when `pid` ends (pidfd_open(2)); glibc has a wrapper only from 2.36.
static inline int jobqd_pidfd_open(pid_t pid) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

/// The process id, user and group of the other end of a Unix socket, as they were when it connected.
static inline int jobqd_peer_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct { pid_t pid; uid_t uid; gid_t gid; } peer;  // struct ucred
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -errno;
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

/// The supplementary groups of the other end of a Unix socket, as they were when it connected: how many there are. When
/// that is more than `room`, nothing was written.
static inline int jobqd_peer_groups(int fd, gid_t *groups, int room) {
    socklen_t size = (socklen_t)room * sizeof(gid_t);
    if (getsockopt(fd, SOL_SOCKET, 59 /* SO_PEERGROUPS */, groups, &size) < 0 && errno != ERANGE) return -errno;
    return (int)(size / sizeof(gid_t));
}

/// A descriptor for the process at the other end of a Unix socket as it was when it connected, whoever has its pid now
/// (SO_PEERPIDFD, Linux 6.5): it becomes readable when that process ends.
static inline int jobqd_peer_pidfd(int fd) {
    int process = -1;
    socklen_t size = sizeof process;
    if (getsockopt(fd, SOL_SOCKET, 77 /* SO_PEERPIDFD */, &process, &size) < 0) return -errno;
    return process;
}

/// The number that the next descriptor would get, or a negative errno.
static inline int jobqd_lowest_free_descriptor(void) {
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd < 0) return -errno;
    close(fd);
    return fd;
}

/// A connected, non-blocking, close-on-exec socket from a listening one.
static inline int jobqd_accept(int fd) {
    int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return connection < 0 ? -errno : connection;
}

/// An unbound or connected Unix stream socket's address call: bind (when `mask` ≥ 0, under that umask) or connect.
/// `path` must be shorter than sun_path.
static inline int jobqd_unix_address(int fd, const char *path, int mask) {
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (mask < 0) return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
    mode_t before = umask((mode_t)mask);
    int result = bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
    umask(before);
    return result;
}

/// The path that a Unix socket is bound to, without a NUL: its length; 0 when it has none, or more than `room` bytes.
static inline int jobqd_socket_path(int fd, char *path, size_t room) {
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -errno;
    if (address.sun_family != AF_UNIX || size <= offsetof(struct sockaddr_un, sun_path)) return 0;
    size_t length = strnlen(address.sun_path, size - offsetof(struct sockaddr_un, sun_path));
    if (length > room) return 0;
    memcpy(path, address.sun_path, length);
    return (int)length;
}

/// The exit status, or the signal, of a child out of the siginfo that waitid(2) fills; siginfo's members are macros.
static inline int jobqd_child_status(const siginfo_t *info) { return info->si_status; }

/// What a child process is started with; every pointer must stay valid during the call.
struct jobqd_spawn {
    const char *path;
    char *const *arguments;    // NULL-terminated
    char *const *environment;  // NULL-terminated
    const char *directory;     // or NULL
    int output;                // becomes standard output
    int error;                 // becomes standard error
    int death_signal;          // sent to the child when the thread that started it ends; 0: none
};

// Runs in the forked child only: nothing but async-signal-safe calls (signal-safety(7)) up to execve.
static inline void jobqd_spawn_child(const struct jobqd_spawn *what, pid_t parent, int report) {
    int problem = 0;
    struct sigaction normal;
    memset(&normal, 0, sizeof normal);
    normal.sa_handler = SIG_DFL;
    for (int n = 1; n < NSIG; n++) sigaction(n, &normal, NULL);
    if (what->death_signal && prctl(PR_SET_PDEATHSIG, what->death_signal) < 0) problem = errno;
    // The parent may have died before prctl; then the signal never comes.
    if (getppid() != parent) _exit(127);
    int null = open("/dev/null", O_RDWR);
    // Copies above 2, so that giving one place away cannot overwrite what the next needs.
    int output = fcntl(what->output, F_DUPFD_CLOEXEC, 3);
    int error = fcntl(what->error, F_DUPFD_CLOEXEC, 3);
    if (null < 0 || output < 0 || error < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0)
        problem = errno;
    if (!problem && what->directory && chdir(what->directory) < 0) problem = errno;
    // Our own descriptors are all close-on-exec; this catches what libraries and callers left open.
    syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!problem) {
        execve(what->path, what->arguments, what->environment);
        problem = errno;
    }
    if (write(report, &problem, sizeof problem) < 0) _exit(126);
    _exit(127);
}

/// Starts a child process: its pid, or the negative errno of fork or, seen through a pipe, of the child's execve.
static inline pid_t jobqd_spawn(const struct jobqd_spawn *what) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return -errno;
    sigset_t all, before;
    sigfillset(&all);
    // No handler of ours may run in the child before it has reset them.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = fork();
    int failure = errno;
    if (child == 0) jobqd_spawn_child(what, parent, report[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return -failure;
    }
    int problem = 0;
    ssize_t got;
    do got = read(report[0], &problem, sizeof problem);
    while (got < 0 && errno == EINTR);
    close(report[0]);
    if (got == sizeof problem) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        return -problem;
    }
    return child;
}
#endif
