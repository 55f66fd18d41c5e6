#!/usr/bin/env bash
# with-systemd.sh COMMAND [ARGUMENT]...: boots a throw-away systemd and runs COMMAND in it, as root, where it stands, with
# the caller's environment and standard streams. Its exit status is that of COMMAND; 125 when there was no boot, 126 when
# something is missing. TIMEOUT=600: seconds for COMMAND. JOURNAL=FILE: where to save the journal. VERBOSE=1: the console.
#
# The system is this machine's, seen through an overlay: what it writes is kept in memory and gone at the end. Processes,
# network and services of the machine cannot be reached. It needs root, for namespaces; nothing of the machine is changed.
set -u

say() { printf 'with-systemd: %s\n' "$*" >&2; }

# The cgroup of this process in the hierarchy systemd uses here: version 2, and beside it name=systemd where the host has
# both. A container in a group of its own does not meet another one, and can be cleared away.
own_groups() {
    local mount type options line
    while read -r mount type options; do
        case $type in
            cgroup2) line=$(sed -n 's/^0:://p' /proc/self/cgroup) ;;
            cgroup) [[ ,$options, == *,name=systemd,* ]] || continue
                line=$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup) ;;
            *) continue ;;
        esac
        printf '%s\n' "$mount${line%/}"
    done < <(awk '{ for (i = 7; $i != "-"; i++); print $5, $(i + 1), $(i + 3) }' /proc/self/mountinfo)
}

# ---- Inside: PID 1 of a PID namespace, owner of a mount namespace. When this shell ends, however, the kernel ends
# everything below it and drops every mount.

# Takes away what the host has enabled, so that little starts, and what would hide or change files.
trim() {
    local root=$1 unit
    rm -f "$root"/etc/systemd/system/*.{wants,requires}/* "$root"/etc/rc?.d/S* "$root/usr/sbin/policy-rc.d" \
        "$root"/etc/dpkg/dpkg.cfg.d/* "$root/etc/fstab"
    for unit in systemd-{udevd,udev-trigger,logind,networkd,resolved,timesyncd,journal-flush,hwdb-update,sysctl,binfmt} \
        systemd-{update-utmp,update-utmp-runlevel,random-seed,pstore,machine-id-commit} ldconfig console-getty modprobe@; do
        ln -sfn /dev/null "$root/etc/systemd/system/$unit.service"
    done
    for unit in dev-hugepages.mount sys-kernel-{config,debug,tracing}.mount proc-sys-fs-binfmt_misc.automount \
        systemd-ask-password-{wall,console}.path getty.target; do
        ln -sfn /dev/null "$root/etc/systemd/system/$unit"
    done
    ln -sfn /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
    mkdir -p "$root/etc/systemd/journald.conf.d" "$root/etc/tmpfiles.d"
    printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' > "$root/etc/systemd/journald.conf.d/test.conf"
    ln -sfn /dev/null "$root/etc/tmpfiles.d/tmp.conf" # it would empty /tmp, which is the overlay's
    tr -d - < /proc/sys/kernel/random/uuid > "$root/etc/machine-id"
    rm -rf "$root/var/log/journal"
}

inside() {
    local work=/run/systemd/with-systemd root=/run/systemd/with-systemd/root arguments=() group nspawn leader='' i
    give_up() { say "$1"; cat "$work/console" >&2 2> /dev/null; exit 125; }

    # A file system of its own: an overlay's upper layer must not lie in the lower one.
    mount -t tmpfs -o mode=755,size=4g with-systemd /run/systemd || give_up "no tmpfs"
    mkdir -p $work/{upper,work,root}
    mount -t overlay -o lowerdir=/,upperdir=$work/upper,workdir=$work/work with-systemd $root || give_up "no overlay"
    trim $root
    # An overlay shows one file system: what is mounted on it is not seen.
    [ "$(findmnt -no TARGET -T "$PWD")" = / ] || arguments+=("--bind=$PWD")
    # Its name tells the tests where they are.
    {   export -p
        printf 'cd %q && exec' "$PWD"
        printf ' %q' "$@"
    } > $root/with-systemd-command

    # Version 2 of cgroups as on a stock system, no filter of system calls but those of the units, /tmp as it is.
    (   for group in $GROUPS_MADE; do echo 0 > "$group/cgroup.procs"; done
        export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_TMPFS_TMP=0
        exec systemd-nspawn --quiet --directory=$root --boot --register=no --keep-unit --machine="jobqd-$$" \
            --private-network --link-journal=no --resolv-conf=off --timezone=off --capability=CAP_BPF,CAP_SYSLOG \
            "${arguments[@]}" -- --show-status=0 ) 3<&- < /dev/null > $work/console 2>&1 &
    nspawn=$!
    [ -z "${VERBOSE:-}" ] || tail -f -n +1 $work/console >&2 &

    # Its one child is PID 1 of the container, once it runs systemd.
    for ((i = 0; i < 1000; i++)); do
        [ -d /proc/$nspawn ] || give_up "systemd-nspawn ended"
        read -r leader < "/proc/$nspawn/task/$nspawn/children"
        [[ -n $leader && $(readlink "/proc/${leader% }/exe") == */systemd/systemd ]] && break
        sleep 0.01
    done
    [ "$i" -lt 1000 ] || give_up "no PID 1 within 10 s"
    local enter=(nsenter -t "${leader% }" -m -u -i -n -p -C --) state=''
    for ((i = 0; i < 1000; i++)); do # its bus may not be there yet
        state=$(timeout 30 "${enter[@]}" systemctl is-system-running --wait 2> /dev/null)
        [[ $state == running || $state == degraded ]] && break
        sleep 0.01
    done
    [ "$state" = running ] || "${enter[@]}" systemctl --failed --no-pager --plain >&2
    [ "$i" -lt 1000 ] || give_up "not up in time: $state"

    # A service, so that it has a group of its own. The command comes from a file: nothing is expanded on the way.
    timeout --foreground -k 5 "${TIMEOUT:-600}" "${enter[@]}" systemd-run --quiet --pipe --wait --collect --unit=tests \
        -p IgnoreSIGPIPE=no -p OOMPolicy=continue -p TasksMax=infinity -p LimitNOFILE=524288 -- /bin/bash /with-systemd-command <&3
    local status=$?
    [ $status -ne 124 ] || say "not over after ${TIMEOUT:-600} s"
    [ -z "${JOURNAL:-}" ] || "${enter[@]}" journalctl --no-pager -o short-precise > "$JOURNAL"
    exit $status
}

# ---- Outside: makes the groups and the namespaces, and clears away.

outside() {
    local command group made=() status
    [ $# -ge 1 ] || { sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0" >&2; exit 126; }
    [ "$(id -u)" = 0 ] || { say "this needs root"; exit 126; }
    for command in systemd-nspawn systemd-run unshare nsenter setpriv findmnt dbus-daemon; do
        command -v $command > /dev/null || { say "missing: $command (packages systemd-container, dbus)"; exit 126; }
    done
    while read -r group; do
        mkdir "$group/jobqd-test-$$" 2> /dev/null && made+=("$group/jobqd-test-$$")
    done < <(own_groups)
    [ ${#made[@]} -gt 0 ] || { say "cannot make a cgroup"; exit 126; }
    mkdir -p /run/systemd # where the private tmpfs goes
    trap 'exit 143' TERM
    trap 'exit 130' INT
    trap 'clear_away "${made[@]}"' EXIT
    # Ends with this shell, even when that is killed.
    GROUPS_MADE="${made[*]}" setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork \
        --kill-child=KILL --mount-proc -- /bin/bash "$0" --inside "$@" 3<&0 < /dev/null &
    wait $!
    status=$?
    exit $status
}

# Processes that are just ending hold their groups for a moment.
clear_away() {
    local group i
    kill -KILL $! 2> /dev/null
    for group in "$@"; do
        for ((i = 0; i < 200; i++)); do
            find "$group" -depth -type d -exec rmdir {} + 2> /dev/null
            [ -d "$group" ] || break
            sleep 0.02
        done
        [ ! -d "$group" ] || say "$group is still there"
    done
}

if [ "${1-}" = --inside ]; then
    shift
    inside "$@"
else
    outside "$@"
fi
