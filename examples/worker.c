// A jobqd worker in C: worker SOCKET QUEUE [NAME]. Build it with: cc -O2 -o worker worker.c -ljansson
// A job's payload may say {"ms":50,"needs":"/path"}: the work takes this long, and fails when there is no such file. Its lease is
// renewed between steps of the work.
//
// It outlives its peers: what is "retryable" is asked again, and a daemon that is away is waited for. Only the answer that the
// lease is lost ends the work on a job from outside; every request is safe to repeat with the same token.
#include <err.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static json_t *hello;
static FILE *in, *out;

static void hang_up(void) {
    if (in) fclose(in), fclose(out);
    in = out = NULL;
}
// One request; NULL: the connection ended before there was a reply.
static json_t *once(json_t *request) {
    if (!in || json_dumpf(request, out, 0) || putc('\n', out) < 0 || fflush(out)) return NULL;
    return json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL);
}
static void dial(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) return (void)close(fd);
    in = fdopen(fd, "r"), out = fdopen(dup(fd), "w");
    json_t *reply = once(hello), *session = json_object_get(reply, "session");
    if (session) json_object_set(hello, "session", session); // the next time, the jobs in hand stay in hand
    if (!reply) hang_up();
    json_decref(reply);
}
// Asks until there is an answer that will not change by asking again; that is the caller's, the request is not any more.
static json_t *ask(json_t *request) {
    if (!request) errx(70, "no memory");
    for (;; usleep(200000)) {
        json_t *reply = once(request);
        if (!reply) {
            if (in) warnx("jobqd closed the connection; waiting for it");
            hang_up(), dial();
            continue;
        }
        const char *code = "", *why = "";
        int retryable = 0;
        json_unpack(reply, "{s{ss ss sb}}", "error", "code", &code, "message", &why, "retryable", &retryable);
        if (!retryable) { // too late for a job (somebody else has it, or it has ended) is no reason to stop
            if (*code && strcmp(code, "lease_lost") && strcmp(code, "not_found") && strcmp(code, "wrong_state"))
                errx(70, "%s", why);
            return json_decref(request), reply;
        }
        json_decref(reply);
    }
}
// In steps of a third of the lease. False: the lease is lost.
static int work(long ms, long step, const char *job, const char *token) {
    for (; ms > step; ms -= step) {
        usleep(1000 * step);
        json_t *reply = ask(json_pack("{ss ss ss}", "op", "extend", "job", job, "token", token));
        int held = json_is_true(json_object_get(reply, "ok"));
        json_decref(reply);
        if (!held) return 0;
    }
    return usleep(1000 * ms), 1;
}
int main(int argc, char **argv) {
    if (argc < 3 || strlen(argv[1]) >= sizeof address.sun_path) errx(64, "usage: worker SOCKET QUEUE [NAME]");
    const char *name = argc > 3 ? argv[3] : "c", *job, *token, *needs;
    int ms, lease;
    signal(SIGPIPE, SIG_IGN);
    strcpy(address.sun_path, argv[1]);
    hello = json_pack("{ss si ss}", "op", "hello", "protocol", 1, "worker", name);
    json_t *old, *reply = NULL;
    for (;; json_decref(old)) {
        json_t *end, *next = json_pack("{ss si}", "queue", argv[2], "wait_ms", 30000);
        ms = 0, needs = NULL; // job, token and needs lie in old
        int found = json_unpack(old = reply, "{s[{ss ss si}]}", "jobs", "job", &job, "token", &token, "lease_ms", &lease);
        if (found == 0) json_unpack(old, "{s[{s{s?i s?s}}]}", "jobs", "payload", "ms", &ms, "needs", &needs);
        if (found == 0 && work(ms, lease / 3, job, token)) {
            if (!needs || access(needs, F_OK) == 0) end = json_pack("{ss s{ss}}", "op", "complete", "result", "by", name);
            else end = json_pack("{ss so}", "op", "fail", "error", json_sprintf("%s is not there", needs));
            json_object_update_new(end, json_pack("{ss ss so}", "job", job, "token", token, "next", next));
        } else json_object_set_new(end = next, "op", json_string("claim"));
        reply = ask(end);
    }
}
