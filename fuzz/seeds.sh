#!/bin/sh
# Makes what the fuzzers start from: small archives of every kind by the tools that are here, and a bundle.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/archive corpus/bundle
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/p-1/d"
echo text >"$work/p-1/f"
printf 'x' | dd of="$work/p-1/sparse" bs=1 seek=100000 2>/dev/null
ln -s f "$work/p-1/link"
ln "$work/p-1/f" "$work/p-1/d/hard"
long=$(printf 'n%.0s' $(seq 200))
echo long >"$work/p-1/$long"
for format in v7 ustar gnu pax; do
	tar -C "$work" --format=$format --exclude="n*" -cf "corpus/archive/$format.tar" p-1 2>/dev/null || true
done
tar -C "$work" --format=gnu -S -cf corpus/archive/gnu-sparse.tar p-1
for version in 0.0 0.1 1.0; do
	tar -C "$work" --format=pax --sparse-version=$version -S -cf corpus/archive/pax-sparse-$version.tar p-1
done
for program in gzip bzip2 xz lzip zstd "xz --format=lzma"; do
	command -v "${program%% *}" >/dev/null || continue
	$program -c <corpus/archive/ustar.tar >"corpus/archive/ustar.$(echo "$program" | tr -dc a-z)"
done
(cd "$work" && python3 -m zipfile -c zip.zip p-1/f p-1/d) && cp "$work/zip.zip" corpus/archive/
printf '[buildout]\nparts =\n[hardtack]\nname = p\nversion = 1\n' >"$work/p-1/buildout.cfg"
for ending in tar.gz tar.zst tar; do
	cargo run -q --manifest-path ../Cargo.toml -- bundle "$work/p-1" -q --installer none -o "$work/b.$ending" >/dev/null
	cp "$work/b.$ending" corpus/bundle/
done
