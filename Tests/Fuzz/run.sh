#!/bin/sh
# Builds the fuzz targets and runs each for so many seconds (default 60), one after the other.
# Usage: Tests/Fuzz/run.sh [seconds] [target…]      targets: framer request roundtrip http
# New inputs are gathered below .build/; what is worth keeping goes by hand, minimised, to corpus/<target>/.
# Exit status: 0 when nothing was found; otherwise the input stands below .build/findings/.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- framer request roundtrip http

# A crash would hang in Swift's own backtracer, and in the symboliser of the sanitizer.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=symbolize=0:detect_leaks=0

swift build -c release -Xswiftc -sanitize=fuzzer,address --disable-index-store
bin=$(swift build -c release -Xswiftc -sanitize=fuzzer,address --show-bin-path)

for target in "$@"; do
    case $target in
        framer) name=FuzzFramer longest=600 ;;
        request) name=FuzzRequest longest=3000 ;;
        roundtrip) name=FuzzRoundTrip longest=1000 ;;
        http) name=FuzzHTTP longest=9000 ;;
        *) echo "no such target: $target" >&2; exit 2 ;;
    esac
    mkdir -p ".build/gathered/$target" ".build/findings/$target"
    echo "== $target, $seconds s"
    "$bin/$name" -fork=1 -max_total_time="$seconds" -rss_limit_mb=512 -timeout=2 -max_len="$longest" \
        -dict=protocol.dict -artifact_prefix=".build/findings/$target/" -print_final_stats=1 \
        ".build/gathered/$target" "corpus/$target" 2>&1 | tee ".build/$target.log" | tail -n 3
    if [ -n "$(ls ".build/findings/$target")" ]; then
        echo "$target: found something, see $(pwd)/.build/findings/$target" >&2
        exit 1
    fi
done
