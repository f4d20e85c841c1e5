#!/bin/sh
# Run the tests of kernels, plans, networks and decoder under Valgrind's memory checker, with AVX2 and on plain Rust.
# Needs valgrind (which knows no AVX-512: the program then finds a processor without it); about five minutes.
set -eu
cd "$(dirname "$0")/.."
run() { CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind -q --error-exitcode=9" \
    cargo test -q -p brownian-core --features train --lib -- --test-threads 1 "$@"; }
run nn:: unet:: representation:: train::teacher
BROWNIAN_INSTRUCTIONS=portable run nn:: unet:: train::teacher
