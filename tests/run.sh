#!/bin/sh
# Runs every check of this repository, and fetches what they need where that can be done: system packages with apt if
# this is root's machine, Rust's musl target with rustup. A test that lacks something says `skipped: …`.
set -eu
cd "$(dirname "$0")/.."

step() {
	printf '\n== %s\n' "$*"
}

command -v cargo >/dev/null || {
	echo "cargo is not here; install Rust with rustup first" >&2
	exit 1
}

# Program and Debian package of each peer.
missing=
for need in nginx:nginx tinyproxy:tinyproxy openssl:openssl strace:strace patch:patch curl:curl git:git make:make cc:gcc flock:util-linux cmake:cmake ninja:ninja-build meson:meson autoconf:autoconf automake:automake libtoolize:libtool pkg-config:pkg-config minisign:minisign busybox:busybox-static debootstrap:debootstrap diffoscope:diffoscope-minimal chromium:chromium; do
	command -v "${need%%:*}" >/dev/null || [ -x "/usr/sbin/${need%%:*}" ] || missing="$missing ${need##*:}"
done
[ -e /usr/share/i18n/locales/et_EE ] || missing="$missing locales"
python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
/usr/bin/python3 -m pip --version >/dev/null 2>&1 || missing="$missing python3-pip"
ls /usr/include/python3*/Python.h >/dev/null 2>&1 || missing="$missing python3-dev"
if [ -n "$missing" ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	step "installing$missing"
	# A package must not start its service here.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
		trap 'rm -f $policy' EXIT
	fi
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing </dev/null ||
		{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing </dev/null; } ||
		echo "skipped: could not install$missing" >&2
elif [ -n "$missing" ]; then
	echo "skipped: tests that need$missing" >&2
fi

step "formatting"
cargo fmt --check
step "lints"
cargo clippy --quiet --locked --all-targets -- -D warnings
cargo clippy --quiet --locked --no-default-features -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps
step "a static hardtack"
sh examples/static.sh
step "tests"
cargo test --locked --no-fail-fast
