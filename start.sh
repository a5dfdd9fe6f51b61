#!/usr/bin/env bash
# Sets the studio up in this folder, once, and starts it. See `./start.sh --help`.
# What is set up already is not touched again, so the second start needs no network.
set -euo pipefail

readonly NEEDS_MB=2500          # free disk for what is installed, without CUDA's own packages (measured: 1,950)
readonly OLDEST_PYTHON="3, 11"  # as in pyproject.toml
readonly OLDEST_TORCH="2, 9"    # as in pyproject.toml

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$root/.venv
python=$venv/bin/python

usage() {
    cat <<'TEXT'
./start.sh [options]        set up if need be, and start the studio (http://127.0.0.1:8501)
     --port N               another port
     --address A            0.0.0.0 opens the studio to your network
     --config FILE          other settings than config.toml
./start.sh test [options]   set up with what the tests need, and run them; options go to pytest
./start.sh draw TEXT -o F   draw one picture into the file F (see ./start.sh draw --help)
./start.sh photo IN -o DIR  draw photos anew into the folder DIR: files, folders, ZIP
./start.sh upscale IN -o F  make a picture 2 or 4 times larger
./start.sh history ...      find, verify, export and check what was made (see ./start.sh history --help)
./start.sh inspect FILE...  say what style files are, and whether they fit the model
./start.sh compile          make the styles in lora/ ready (the running studio does so by itself)
./start.sh doctor           look at this machine, the model and the folders, and say what is wrong
./start.sh --help           this text

Everything is installed into the folder .venv here. A torch that is there already is kept; so is the one of an
activated environment (venv, conda). PYTHON=/path/to/python3 ./start.sh takes that Python for the set-up.
TEXT
}

say() { printf 'studio: %s\n' "$*" >&2; }

stop() {
    say "$@"
    exit 1
}

# Does $1 run, and is it new enough, with all that a virtual environment is made of?
usable() { "$1" -c "import sys; sys.exit(sys.version_info < ($OLDEST_PYTHON))" >/dev/null 2>&1; }
complete() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# Print the Python to make .venv with. An activated environment's comes first on the PATH, as python3.
find_python() {
    local candidate found=""
    if [ -n "${PYTHON:-}" ]; then
        usable "$PYTHON" || stop "PYTHON=$PYTHON does not run or is older than 3.11. Give another, or leave it out."
        complete "$PYTHON" || stop "PYTHON=$PYTHON has no venv module. Give another, or leave it out."
        printf '%s\n' "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if usable "$candidate"; then
            if complete "$candidate"; then
                command -v "$candidate"
                return
            fi
            found=$candidate
        fi
    done
    if [ -n "$found" ]; then
        stop "$found has no venv module. On Debian and Ubuntu: sudo apt install python3-venv. Then run this again."
    fi
    stop "Python 3.11 or newer is needed, and there is none on this machine." \
        "Install it from python.org, or with your system's package manager, and run this again."
}

# What the set-up depends on: as long as this is the same, it need not be done again.
wanted() { cksum <"$root/pyproject.toml" && cksum <"$root/constraints.txt"; }

# Is everything for $1 (run or test) installed, and does it still stand?
is_set_up() {
    [ ! -e "$venv/jimeng-unfinished" ] || return 1
    [ "$(cat "$venv/jimeng-$1" 2>/dev/null)" = "$(wanted)" ] || return 1
    "$python" -c 'from importlib.util import find_spec as f; raise SystemExit(not (f("torch") and f("streamlit")))' \
        >/dev/null 2>&1
}

make_environment() {
    local base
    if [ -x "$python" ] && "$python" -c '' >/dev/null 2>&1; then
        usable "$python" || stop "The Python in .venv is older than 3.11. Delete the folder .venv and run this again."
        base=$python
    else
        base=$(find_python)
        say "making the folder .venv with $("$base" --version)"
        "$base" -m venv --clear "$venv" || stop "The folder $venv could not be made. Is the disk full, or not writable?"
    fi
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --upgrade >/dev/null
    touch "$venv/jimeng-unfinished"
    if [ "$base" != "$python" ]; then
        keep_torch_of "$base"
    fi
}

# The folder that $1 has a new enough torch in; nothing when it has none.
torch_of() {
    "$1" - 2>/dev/null <<TEXT || true
import importlib.metadata, re
found = importlib.metadata.distribution("torch")
if tuple(map(int, re.findall(r"\d+", found.version)[:2])) >= ($OLDEST_TORCH):
    print(found.locate_file("").resolve())
TEXT
}

# Let .venv see the packages of $1 behind its own, when there is a torch among them.
keep_torch_of() {
    local folder site
    folder=$(torch_of "$1")
    [ -n "$folder" ] || return 0
    site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$folder" >"$site/jimeng-torch.pth"
    if "$python" -c 'import torch' >/dev/null 2>&1; then
        say "keeping the torch in $folder"
    else
        rm "$site/jimeng-torch.pth"
    fi
}

# A package whose installation was cut off looks installed but has no RECORD yet: make pip see it as missing.
forget_half_installed() {
    local info
    for info in "$venv"/lib/python*/site-packages/*.dist-info; do
        if [ -d "$info" ] && [ ! -e "$info/RECORD" ]; then
            rm -rf "$info"
        fi
    done
}

check_disk() {
    local free_kb
    free_kb=$(df -Pk "$root" | awk 'NR == 2 { print $4 }')
    if [ "$free_kb" -lt $((NEEDS_MB * 1024)) ] && [ -z "$(torch_of "$python")" ]; then
        stop "The set-up needs about $NEEDS_MB MB in $root and $((free_kb / 1024)) MB are free. Free some, then run this again."
    fi
}

# Install for $1 (run or test), with the versions of constraints.txt but the torch that is there.
install() {
    local what=$1 torch quiet=""
    forget_half_installed
    check_disk
    cp "$root/constraints.txt" "$venv/jimeng-constraints.txt"
    if [ -n "$(torch_of "$python")" ]; then
        torch=$("$python" -c 'from importlib.metadata import version; print(version("torch"))')
        say "keeping torch $torch"
        sed "s/^torch==.*/torch==$torch/" "$root/constraints.txt" >"$venv/jimeng-constraints.txt"
    fi
    "$python" - "$root/pyproject.toml" "$what" >"$venv/jimeng-requirements.txt" <<'TEXT'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
print(*project["dependencies"], *project["optional-dependencies"].get(sys.argv[2], []), sep="\n")
TEXT
    say "installing into .venv; the first time takes some minutes and needs the network"
    [ -t 2 ] || quiet=--quiet
    PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 "$python" -m pip install $quiet \
        --constraint "$venv/jimeng-constraints.txt" --requirement "$venv/jimeng-requirements.txt" >&2 ||
        stop "Installing failed; why stands above. If the network is missing or was cut, connect and run this again:" \
            "it goes on where it stopped."
    wanted >"$venv/jimeng-run"
    if [ "$what" = test ]; then
        wanted >"$venv/jimeng-test"
    fi
    rm -f "$venv/jimeng-unfinished"
    say "set up"
}

set_up() {
    is_set_up "$1" && return
    make_environment
    install "$1"
}

unset PYTHONHOME
case "${1:-}" in
-h | --help)
    usage
    ;;
test)
    shift
    set_up test
    cd "$root"
    exec "$python" -m pytest "$@"
    ;;
draw | photo | upscale | history | doctor | inspect | compile)
    set_up run
    PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" exec "$python" -P -m studio "$@"
    ;;
"" | -*)
    set_up run
    exec "$python" "$root/app.py" "$@"
    ;;
*)
    usage >&2
    stop "There is no command \"$1\"."
    ;;
esac
