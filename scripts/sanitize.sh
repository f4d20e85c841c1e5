#!/bin/sh
# Run the tests of kernels, plans and threads under AddressSanitizer: every vector instruction set, then all on plain Rust.
# Needs nothing but the Rust toolchain (its AddressSanitizer, which stable Rust hides); x86-64 Linux. About ten minutes.
set -eu
cd "$(dirname "$0")/.."
export RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitize"
run() { cargo test -p brownian-core --features train --target x86_64-unknown-linux-gnu --lib \
    --config 'profile.dev.package."*".opt-level=1' -- "$@"; }
run nn:: unet:: phase
BROWNIAN_INSTRUCTIONS=portable run nn:: unet::
