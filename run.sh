#!/usr/bin/env bash
# One command. `./run.sh` installs what is missing and starts the application; `./run.sh test` runs every check.
# `./run.sh worker` is for further machines that share the work of one application, and `./run.sh install` only installs
# what all of them need (see docs/deployment.md).
# Needs nothing but Python 3.11 or newer. Settings: environment variables or a file .env (see .env.example).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

VENV=.venv
PYTHON=$VENV/bin/python
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Install Debian packages, or name the line to type where we may not.
need_debian() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        fail "Something is missing from this machine. Type: sudo apt-get update && sudo apt-get install -y $*"
    fi
    say "Installing from Debian: $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local candidate
    for candidate in python3 python3.11 python3.12 python3.13; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

make_venv() {
    if is_new_enough "$PYTHON" && "$PYTHON" -m pip --version >/dev/null 2>&1; then return; fi
    find_python >/dev/null || need_debian python3 python3-venv
    local python
    python=$(find_python) || fail "Python 3.11 or newer is needed; python3 here is $(python3 --version)."
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need_debian python3-venv
    say "Creating $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
}

pip_install() { "$PYTHON" -m pip install --disable-pip-version-check --quiet "$@"; }

has_nvidia_driver() { [ -e /proc/driver/nvidia/version ] || command -v nvidia-smi >/dev/null; }

cpu_index_answers() {
    timeout 5 "$PYTHON" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + "/torch/", timeout=5)' \
        "$TORCH_CPU_INDEX" 2>/dev/null
}

# PyTorch's CPU index saves gigabytes of GPU libraries where there is no GPU; plain pip serves everywhere else.
install_torch() {
    local torch
    torch=$(grep '^torch==' requirements.txt)
    # Not `grep -q`: it would close the pipe on a pip that still writes, which counts as a failure.
    if "$PYTHON" -m pip freeze | grep "^$torch" >/dev/null; then return; fi
    if ! has_nvidia_driver && cpu_index_answers; then
        if pip_install --no-deps --timeout 15 --index-url "$TORCH_CPU_INDEX" "$torch"; then return; fi
        say "PyTorch's CPU index did not deliver; taking the package that serves GPUs too."
    fi
    pip_install "$torch"
}

# Install lock file $1, unless exactly that was done before.
install() {
    local stamp=$VENV/installed-$1 fingerprint
    fingerprint=$(cat requirements.txt requirements*.lock | sha256sum)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ]; then return; fi
    say "Installing $1 (once; this takes some minutes)"
    install_torch
    pip_install -r "$1"
    printf '%s' "$fingerprint" >"$stamp"
}

# Without the published weights the embedded network works; a failure is told in one line and remembered for a day.
fetch_weights() {
    if [ "$WEIGHTS" = none ] || [ "$OFFLINE" = 1 ]; then return; fi
    local status=0
    "$PYTHON" -m colorizers weights fetch "$WEIGHTS" --remember-failure --model-dir "$MODEL_DIR" || status=$?
    if [ "$status" -gt 1 ]; then exit "$status"; fi
}

# Done at every start, as another processor or another version of the program needs others; mostly, all are there.
compile_kernels() { "$PYTHON" -m colorizers compile; }

SUPERVISOR='' WEB='' ANNOUNCER='' STOPPED=''

end() { kill -TERM "$@" 2>/dev/null || true; }

# Run a part of the application in the background; it ends with this script, even if that is killed.
# The kernel sends it SIGTERM then; the inner shell covers the case that this one has ended before the kernel is asked.
# shellcheck disable=SC2016 # expanded by the inner shell
part() { exec setpriv --pdeathsig TERM bash -c '[ "$PPID" = "$0" ] && exec "$@"' "$$" "$@"; }

serve() {
    # What a start that was killed has left behind is about to end.
    "$PYTHON" -m service.ops.start_up port
    # The web server first: it would start a worker of its own if the supervisor went before it.
    trap 'STOPPED=1; end $WEB' INT TERM HUP
    trap 'end $WEB $SUPERVISOR $ANNOUNCER' EXIT
    if [ -z "$BROKER_URL" ]; then
        say "Starting: the workers load PyTorch and the network, and colour a first photo."
        part "$PYTHON" -m service.workers.supervisor &
        SUPERVISOR=$!
    else
        say "Starting: the workers run elsewhere, as BROKER_URL is set."
    fi
    part "$VENV/bin/gunicorn" server:app &
    WEB=$!
    part "$PYTHON" -m service.ops.start_up ready &
    ANNOUNCER=$!
    if [ -n "$STOPPED" ]; then end $WEB; fi
    # A trapped signal interrupts `wait`; once the server has ended, `wait` tells its own exit status.
    local status=0
    while kill -0 "$WEB" 2>/dev/null; do wait "$WEB" || true; done
    wait "$WEB" || status=$?
    end $SUPERVISOR $ANNOUNCER
    wait
    trap - EXIT
    exit "$status"
}

prepare() {
    make_venv
    install requirements.lock
    local settings
    settings=$("$PYTHON" -m service.settings shell)
    eval "$settings"
    if [ -n "$DATABASE_URL$BROKER_URL$STORAGE_URL" ]; then install requirements-cluster.lock; fi
    compile_kernels
    fetch_weights
    "$PYTHON" -m service.domain.model_choice
}

set_up() {
    make_venv
    install requirements.lock
    install requirements-cluster.lock
    # An image installs the packages before the program is there.
    if [ -d colorizers ]; then compile_kernels; fi
}

start() {
    prepare
    serve
}

work() {
    prepare
    if [ -z "$BROKER_URL" ]; then
        fail "BROKER_URL is not set: ./run.sh alone starts the workers of one machine; docs/deployment.md tells about several."
    fi
    exec "$PYTHON" -m service.workers.celery_worker
}

# Install the Debian packages that the tests of these pytest options need and that are not there.
need_packages() {
    local packages
    packages=$("$PYTHON" -m pytest --collect-only -qq --missing-packages "$@" | sed -n 's/^missing packages: *//p')
    # shellcheck disable=SC2086 # one word a package
    if [ -n "$packages" ]; then need_debian $packages; fi
}

# Every check: what a change must pass.
check() {
    need_packages
    "$PYTHON" -m ruff check .
    "$PYTHON" -m ruff format --check .
    "$PYTHON" -m bandit --quiet --recursive --configfile pyproject.toml colorizers service server.py
    # Once, beside mypy: else every process of the tests would wait for it.
    compile_kernels &
    local compiling=$!
    "$PYTHON" -m mypy --strict colorizers service training benchmarks tests server.py
    wait "$compiling"
    # Three processes for two cores, as one of them mostly waits for a server or a browser. Each has one thread for the
    # networks: threads that wait for a busy core only spin. Files go out in the order of tests/conftest.py.
    OMP_NUM_THREADS=1 "$PYTHON" -m pytest -n 3 --dist loadfile --no-loadscope-reorder --all-programs "$@"
}

# Some tests, named as pytest names them, and no other check.
check_some() {
    need_packages "$@"
    "$PYTHON" -m pytest "$@"
}

names_tests() {
    local argument
    for argument in "$@"; do
        case "$argument" in tests* | *.py*) return ;; esac
    done
    return 1
}

run_tests() {
    make_venv
    install requirements-dev.lock
    if names_tests "$@"; then check_some "$@"; else check "$@"; fi
}

case "${1:-start}" in
    start) start ;;
    worker) work ;;
    install) set_up ;;
    test) shift && run_tests "$@" ;;
    *) fail "usage: ./run.sh [start | worker | install | test [pytest options]]" ;;
esac
