/* A worker process dies with a job in its hands: how long until another worker has the job.
 *
 * Each round: a forked child introduces itself and claims the one job of the queue, a second worker (this process) waits,
 * the child gets SIGKILL, and the time runs until the second worker's claim is answered with the very same job. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jobqd.h"
#include "report.h"
#include "scenarios.h"

enum { SETTLE_US = 3000 };

struct names {
    char job[160];
};

/* In the child: claims the job, tells its name over `out` and waits for its end. */
static _Noreturn void be_victim(const struct options *o, int out, unsigned round) {
    struct link l;
    struct claimed_job job;
    struct names names = {0};
    char claim[256];
    link_open(&l, o->socket, LINK_BUFFER);
    jobqd_hello(&l, "victim", round);
    if (jobqd_claimed(link_call(&l, claim, jobqd_claim(claim, o->queue, 1, 10000)), &job, 1) != 1)
        die("the victim got no job");
    memcpy(names.job, job.job, job.job_length < sizeof names.job ? job.job_length : sizeof names.job - 1);
    if (write(out, &names, sizeof names) != sizeof names)
        die("the victim cannot tell its job");
    for (;;)
        pause();
}

static pid_t start_victim(const struct options *o, unsigned round, struct names *names) {
    int ends[2];
    if (pipe(ends) != 0)
        die("no pipe");
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_victim(o, ends[1], round);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], names, sizeof *names) != sizeof *names)
        die("the victim did not come up");
    close(ends[0]);
    return child;
}

int scenario_killed(struct options *o) {
    static struct histogram taken;
    struct link producer, worker;
    char request[1024], claim[256];
    size_t stamp, length = jobqd_enqueue(request, o->queue, 1, "", &stamp);
    size_t claim_length = jobqd_claim(claim, o->queue, 1, 60000);
    link_open(&producer, o->socket, LINK_BUFFER);
    link_open(&worker, o->socket, LINK_BUFFER);
    jobqd_hello(&worker, "heir", 0);
    for (unsigned i = 0; i < o->rounds; i++) {
        struct names names;
        struct claimed_job job;
        jobqd_expect_ok(link_call(&producer, request, length));
        pid_t victim = start_victim(o, i, &names);
        link_send(&worker, claim, claim_length);
        pause_us(SETTLE_US);
        uint64_t start = now_ns();
        kill(victim, SIGKILL);
        struct line reply = link_await(&worker);
        histogram_add(&taken, now_ns() - start);
        if (jobqd_claimed(reply, &job, 1) != 1 || strlen(names.job) != job.job_length || memcmp(names.job, job.job, job.job_length) != 0)
            die("the heir did not get job %s but %.*s", names.job, (int)reply.length, reply.text);
        jobqd_expect_ok(link_call(&worker, request + length, jobqd_complete(request + length, &job, 1, NULL, 0)));
        waitpid(victim, NULL, 0);
    }
    report_begin(o);
    report_histogram("taken_us", &taken);
    report_end();
    return 0;
}
