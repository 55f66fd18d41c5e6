// Starting a program in a process group of its own that does not outlive its parent. In C, for between fork(2) and
// execve(2) only a few system calls are safe, and Swift cannot promise to make no others.

#ifndef CSPAWN_H
#define CSPAWN_H

#include <sys/types.h>

/// Runs argv[0], looked up in PATH, with these descriptors as its standard input, output and error.
///
/// The child leads a process group, has the default action for each signal and none blocked, inherits no other descriptor
/// that is close-on-exec, and is killed (SIGKILL) when the calling thread ends. Returns 0 and sets *pid, or the errno of
/// what failed, execve(2) included; then there is no child.
int cspawn_run(char *const argv[], char *const envp[], int input, int output, int error, pid_t *pid);

#endif
