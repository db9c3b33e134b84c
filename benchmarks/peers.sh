#!/bin/sh
# Installs what `make bench` measures beside us, as root with apt; without one of them the benchmark
# that needs it says so and ends.
set -eu

PATH="$PATH:/usr/sbin"
missing=""
for pair in prometheus-blackbox-exporter:prometheus-blackbox-exporter fping:fping \
    prometheus-smokeping-prober:prometheus-smokeping-prober \
    ip:iproute2 nft:nftables named:bind9 unbound:unbound gdnsd:gdnsd \
    pdns_server:pdns-server sqlite3:sqlite3; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -d /usr/share/pdns-backend-sqlite3 ] || missing="$missing pdns-backend-sqlite3"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # a list of package names
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends -o DPkg::Lock::Timeout=600 $missing) >/dev/null && exit 0
fi
echo "the benchmarks need$missing and could not install it" >&2
exit 1
