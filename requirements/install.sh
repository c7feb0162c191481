#!/bin/sh
# install.sh PYTHON locked|oldest|newest LAYER...: install what `make` needs. A layer is a file here (tools/lock.py).
# `tradegame` is the server with all that it needs, `build` included.
set -eu
python=$1 which=$2
shift 2

pip() { "$python" -m pip --disable-pip-version-check --quiet install "$@"; }

# pip reads dependency groups only since 25.1, and a fresh machine may have an older one.
group() {
    "$python" -c "import sys, tomllib
print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups'][sys.argv[1]], sep='\n')" "$1"
}

for layer; do
    echo "installing $layer ($which)"
    if [ "$layer" = tradegame ]; then first=build; else first=; fi
    case $which in
        # What is locked is whole, so nothing is looked up.
        locked) pip --no-deps --require-hashes ${first:+--requirement requirements/build.txt} \
            --requirement "requirements/$layer.txt" ;;
        # One list for everything, for other versions may be needed together.
        oldest) pip --requirement requirements/oldest.txt ;;
        newest) # shellcheck disable=SC2046
            pip --upgrade --upgrade-strategy eager $(group "${first:-$layer}" | sed 's/ //g') ;;
    esac
    if [ "$layer" = tradegame ]; then
        # With what is locked nothing is downloaded to build it. Of the newest, etcd3 is built, too, by setuptools.
        if [ "$which" = newest ]; then
            pip --upgrade --upgrade-strategy eager --editable .
        else
            pip --no-build-isolation --no-deps --editable .
        fi
    fi
done
