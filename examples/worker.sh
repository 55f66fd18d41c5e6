#!/usr/bin/env bash
# A jobqd worker in bash: worker.sh SOCKET QUEUE [NAME]. Needs socat and jq.
#
# A job's payload may say {"ms":50,"needs":"/path"}: the work takes this long, and fails when there is no such file. Its
# lease is renewed between steps of the work. When this script dies, its job goes back to the queue.
#
# It outlives its peers: what is "retryable" is asked again, and a daemon that is away is waited for. Only the answer that the
# lease is lost ends the work on a job from outside; every request is safe to repeat with the same token.
set -euo pipefail
trap '' PIPE
socket=$1 queue=$2 name=${3:-bash-$$}
replies='' requests='' session=''

stop() { echo "$name: $2" >&2; exit "$1"; }
close() {
    [ -z "$replies" ] || exec {replies}<&- {requests}>&-
    replies='' requests=''
    [ -z "${COPROC_PID-}" ] || kill "$COPROC_PID" 2>/dev/null || true
    wait 2>/dev/null || true
}
once() { # REQUEST: sends it as one line; its answer is then in $reply
    [ -n "$requests" ] && printf '%s\n' "$1" >&"$requests" && IFS= read -r reply <&"$replies"
} 2>/dev/null
connect() { # with the session of before, the jobs in hand stay in hand
    while :; do
        close
        { coproc socat -t0 - "UNIX-CONNECT:$socket" 2>/dev/null; } 2>/dev/null
        if { exec {replies}<&"${COPROC[0]-}" {requests}>&"${COPROC[1]-}"; } 2>/dev/null &&
            once "$(jq -nc --arg worker "$name" --arg session "$session" \
                '{op: "hello", protocol: 1, $worker} + if $session == "" then {} else {$session} end')"; then
            session=$(jq -r '.session // empty' <<<"$reply")
            return
        fi
        sleep 0.2
    done
}
ask() { # REQUEST: until there is an answer that will not change by asking again; false: the lease is lost
    while :; do
        if ! once "$1"; then
            [ -z "$requests" ] || echo "$name: jobqd closed the connection; waiting for it" >&2
            connect
        elif jq -e '.error.retryable == true' <<<"$reply" >/dev/null; then
            sleep 0.2
        else
            break
        fi
    done
    jq -e '.ok' <<<"$reply" >/dev/null && return
    # Too late: somebody else has the job, or it has ended. Anything else is serious.
    jq -e '.error.code | IN("lease_lost", "not_found", "wrong_state")' <<<"$reply" >/dev/null || stop 70 "$reply"
    return 1
}
work() { # JOB: in steps of a third of the lease; false: the lease is lost
    local left step
    left=$(jq -r '.payload.ms? // 0 | floor' <<<"$1") step=$(jq -r '.lease_ms / 3 | floor' <<<"$1")
    while [ "$left" -gt "$step" ]; do
        sleep "$(jq -n "$step / 1000")"
        left=$((left - step))
        ask "$(jq -c '{op: "extend", job, token}' <<<"$1")" || return 1
    done
    sleep "$(jq -n "$left / 1000")"
}

claim=$(jq -nc --arg queue "$queue" '{$queue, wait_ms: 30000}')
reply='{}'
while :; do
    job=$(jq -c '.jobs[0]? // empty' <<<"$reply")
    if [ -z "$job" ] || ! work "$job"; then
        ask "$(jq -c '{op: "claim"} + .' <<<"$claim")" || true
        continue
    fi
    needs=$(jq -r '.payload.needs? // empty' <<<"$job")
    if [ -z "$needs" ] || [ -e "$needs" ]; then
        outcome=$(jq -nc --arg by "$name" '{op: "complete", result: {$by}}')
    else
        outcome=$(jq -nc --arg needs "$needs" '{op: "fail", error: "\($needs) is not there"}')
    fi
    # The answer brings the next job.
    ask "$(jq -c --argjson outcome "$outcome" --argjson next "$claim" '$outcome + {job, token, $next}' <<<"$job")" || true
done
