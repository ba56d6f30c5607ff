#!/usr/bin/env bash
# Sees to the daemons and commands that the tests drive: the system's, or Debian's packages.
set -euo pipefail
missing=()
PATH="$PATH:/usr/sbin:/sbin"
command -v rsyslogd >/dev/null || missing+=(rsyslog)
[ -e /usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so ] || ls /usr/lib*/rsyslog/lmnsd_gtls.so /usr/lib/*/rsyslog/lmnsd_gtls.so >/dev/null 2>&1 || missing+=(rsyslog-gnutls)
command -v logger >/dev/null || missing+=(bsdutils)
command -v curl >/dev/null || missing+=(curl)
[ ${#missing[@]} = 0 ] && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
    exit 0
fi
echo "the tests of clients need: ${missing[*]} (install them, as root: apt-get install ${missing[*]})" >&2
exit 1
