#!/bin/bash
# Builds Myrmex with all analyzers and runs its tests.
#
#   ./test.sh                    everything
#   ./test.sh unit [NAME]        one tier (unit, interop, fuzz), or smoke: the unit tests and the interop tests marked Tier=smoke;
#   ./test.sh NAME               tests whose full name contains NAME
#
# The last line is "N passed, N failed" (", N skipped" may follow); the exit code is 0 only if something ran and nothing failed.
# Tests get a scratch directory in MYRMEX_TEST_RUN. Whatever a test leaves behind is cleared at the end: processes whose
# "PID START-TIME" is noted in $MYRMEX_TEST_RUN/pids, and mounts and loop devices below that directory.
set -u
cd "$(dirname "$0")" || exit 1

tier=all
name=
case "${1:-}" in
    smoke | unit | interop | fuzz) tier=$1; name=${2:-} ;;
    -*) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
    *) name=${1:-} ;;
esac

configuration=Release
results=artifacts/test-results
export MYRMEX_TEST_RUN
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
MYRMEX_TEST_RUN=$(mktemp -d "${TMPDIR:-/tmp}/myrmex-test.XXXXXX") || exit 1

start_time_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

kill_leftovers() { # SIGNAL
    local pid started found=1
    [ -f "$MYRMEX_TEST_RUN/pids" ] || return 1
    while read -r pid started; do
        case "$pid" in '' | *[!0-9]*) continue ;; esac
        # The start time tells the process that was noted from another one with its number.
        if [ -n "$started" ] && [ "$(start_time_of "$pid")" = "$started" ]; then
            kill "-$1" "$pid" 2>/dev/null && found=0
        fi
    done < "$MYRMEX_TEST_RUN/pids"
    return $found
}

clean_up() {
    [ -d "$MYRMEX_TEST_RUN" ] || return 0
    if kill_leftovers TERM; then
        sleep 2
        kill_leftovers KILL
    fi
    awk -v run="$MYRMEX_TEST_RUN/" 'index($2, run) == 1 { print $2 }' /proc/self/mounts | sort -r | while read -r point; do
        umount -l "$(printf '%b' "$point")" 2>/dev/null || fusermount3 -uz "$(printf '%b' "$point")" 2>/dev/null
    done
    if command -v losetup >/dev/null; then
        losetup -l -n -O NAME,BACK-FILE 2>/dev/null | awk -v run="$MYRMEX_TEST_RUN/" 'index($2, run) == 1 { print $1 }' |
            while read -r device; do losetup -d "$device" 2>/dev/null; done
    fi
    rm -rf --one-file-system "$MYRMEX_TEST_RUN"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

finish() { # PASSED FAILED SKIPPED
    clean_up
    trap - EXIT
    local line="$1 passed, $2 failed"
    [ "$3" -gt 0 ] && line="$line, $3 skipped"
    echo "$line"
    [ "$2" -eq 0 ] && [ "$1" -gt 0 ]
    exit
}

install_packages() {
    local missing=() package policy=/usr/sbin/policy-rc.d made_policy=
    for package in fuse3 xfsprogs fio glusterfs-server glusterfs-client qemu-utils qemu-block-extra attr acl; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
        echo "not installed, and this is not root on Debian: ${missing[*]}"
        return
    fi
    echo "installing ${missing[*]}"
    # Debian starts a daemon when it installs one; this forbids it for the time of the installation.
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy" && made_policy=1
    fi
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}"; } \
        > "$results/packages.log" 2>&1 || { echo "installation failed:"; tail -5 "$results/packages.log"; }
    [ -n "$made_policy" ] && rm -f "$policy"
}

projects_of() { # TIER: the test projects of the solution, unit tests first
    sed -n 's/.*Path="\(tests\{0,1\}\/[^"]*\.csproj\)".*/\1/p' Myrmex.slnx | sort -r | while read -r project; do
        case "$1:$project" in
            all:* | smoke:*Unit.Tests* | smoke:*Interop* | unit:*Unit.Tests* | interop:*Interop* | fuzz:*Unit.Tests* | fuzz:*Fuzz*) echo "$project" ;;
        esac
    done
}

run_project() { # PROJECT: adds to passed, failed, skipped
    local project=$1 label trx filter='' status total executed ok bad
    label=$(basename "$project" .csproj)
    [ -n "$name" ] && filter="FullyQualifiedName~$name"
    [ "$tier" = smoke ] && [[ $label == *Interop* ]] && filter="Tier=smoke${filter:+&$filter}"
    [ "$tier" = fuzz ] && [[ $label == *Unit.Tests ]] && filter="Tier=fuzz${filter:+&$filter}"
    echo "== $label"
    trx=$results/$label.trx
    timeout --kill-after=30 840 dotnet test --no-build -c $configuration "$project" ${filter:+--filter "$filter"} \
        --blame-hang-timeout 5m --blame-hang-dump-type none \
        --logger "trx;LogFileName=$label.trx" --results-directory "$results" > "$results/$label.log" 2>&1
    status=$?
    if [ ! -f "$trx" ]; then
        if [ $status -eq 0 ]; then
            echo "no test matches"
        else
            echo "FAILED $label: no result, see $results/$label.log"
            tail -15 "$results/$label.log"
            failed=$((failed + 1))
        fi
        return
    fi
    read -r total executed ok bad < <(sed -n \
        's/.*<Counters total="\([0-9]*\)" executed="\([0-9]*\)" passed="\([0-9]*\)" failed="\([0-9]*\)".*/\1 \2 \3 \4/p' "$trx")
    sed -n 's/.*<UnitTestResult .*testName="\([^"]*\)".*outcome="Failed".*/FAILED \1/p' "$trx" |
        sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
    echo "${ok:-0} passed, ${bad:-0} failed, $((${total:-0} - ${executed:-0})) skipped"
    passed=$((passed + ${ok:-0}))
    failed=$((failed + ${bad:-0}))
    skipped=$((skipped + ${total:-0} - ${executed:-0}))
    # A host that dies or hangs in the middle leaves a result file without the rest of its tests.
    if [ $status -ne 0 ] && [ "${bad:-0}" -eq 0 ]; then
        echo "FAILED $label: the test host ended with code $status, see $results/$label.log"
        tail -15 "$results/$label.log"
        failed=$((failed + 1))
    fi
}

rm -rf "$results"
mkdir -p "$results"
case $tier in all | smoke | interop) install_packages ;; esac

echo "== build"
if ! dotnet build -v q -nologo -c $configuration Myrmex.slnx > "$results/build.log" 2>&1; then
    grep -E "error|warning" "$results/build.log" | sort -u | head -40
    echo "FAILED build"
    finish 0 1 0
fi

passed=0 failed=0 skipped=0
while read -r project; do
    run_project "$project"
done < <(projects_of "$tier")
echo
finish $passed $failed $skipped
