#!/bin/sh
# Builds a hardtack that runs on any Linux machine of this architecture, and prints its path.
#
# With Rust's musl target, which is added if rustup is here; else against a static glibc.
set -eu
cd "$(dirname "$0")/.."
machine=$(uname -m)
musl=$machine-unknown-linux-musl
if command -v rustup >/dev/null && rustup target add "$musl" >&2; then
	cargo build --quiet --release --locked --target "$musl" >&2
	echo "$PWD/target/$musl/release/hardtack"
else
	gnu=$machine-unknown-linux-gnu
	echo "the target $musl is not to be had; linking glibc statically" >&2
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --quiet --release --locked --target "$gnu" >&2
	echo "$PWD/target/$gnu/release/hardtack"
fi
