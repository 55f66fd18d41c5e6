// See CSpawn.h. The child tells its parent of a failed execve(2) through a pipe that a successful one closes.

#define _GNU_SOURCE
#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void default_signals(void) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &action, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

// Only async-signal-safe calls from here on; returns when something failed.
static void become(char *const argv[], char *const envp[], const int streams[3], pid_t parent) {
  setpgid(0, 0);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
  // The parent may have ended before the line above.
  if (getppid() != parent) _exit(127);
  // Above 2 first, or one of them could be overwritten before its turn.
  int high[3];
  for (int i = 0; i < 3; i++) {
    high[i] = fcntl(streams[i], F_DUPFD_CLOEXEC, 3);
    if (high[i] < 0) return;
  }
  for (int i = 0; i < 3; i++)
    if (dup2(high[i], i) < 0) return;
  default_signals();
  execvpe(argv[0], argv, envp);
}

int cspawn_run(char *const argv[], char *const envp[], int input, int output, int error, pid_t *pid) {
  const int streams[3] = {input, output, error};
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return errno;
  // A signal between fork and execve must not run the parent's handlers in the child.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    close(report[0]);
    become(argv, envp, streams, parent);
    int code = errno;
    (void)!write(report[1], &code, sizeof code);
    _exit(127);
  }
  int code = child < 0 ? errno : 0;
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (child > 0) {
    // Done on both sides, so that it holds whoever runs first.
    setpgid(child, child);
    ssize_t count;
    do count = read(report[0], &code, sizeof code);
    while (count < 0 && errno == EINTR);
    if (count != sizeof code) code = 0;
    if (code != 0)
      while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  close(report[0]);
  *pid = child;
  return code;
}
