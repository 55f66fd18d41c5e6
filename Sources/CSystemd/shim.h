// The one place where libsystemd and the Linux system calls around it meet Swift.
#ifndef JOBQD_CSYSTEMD_SHIM_H
#define JOBQD_CSYSTEMD_SHIM_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
#endif
