#!/bin/sh
# What the tests use from Debian. As root with apt it is installed; under CI=true being without is a
# failure, elsewhere the tests that need it are skipped and say so.
set -eu

PATH="$PATH:/usr/sbin"
missing=""
for pair in promtool:prometheus prometheus:prometheus amtool:prometheus-alertmanager \
    nft:nftables ip:iproute2 openssl:openssl knotd:knot named:bind9 unbound:unbound nginx:nginx \
    pdns_server:pdns-server sqlite3:sqlite3 \
    chromium:chromium chromedriver:chromium-driver \
    mmdebstrap:mmdebstrap systemd-nspawn:systemd-container lintian:lintian rpm:rpm mandoc:mandoc \
    zsh:zsh fish:fish shellcheck:shellcheck ansible-playbook:ansible-core ssh:openssh-client; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -d /usr/share/pdns-backend-sqlite3 ] || missing="$missing pdns-backend-sqlite3"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # a list of package names
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends -o DPkg::Lock::Timeout=600 $missing) >/dev/null 2>&1 && exit 0
fi
[ "${CI:-}" = true ] && { echo "the tests need$missing and could not install it" >&2; exit 1; }
echo "without$missing: the tests that need it are skipped" >&2
