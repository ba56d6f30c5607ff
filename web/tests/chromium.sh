#!/usr/bin/env bash
# Sees to a Chromium for the tests: the one that CHROMIUM names, the system's, or Debian's package.
set -euo pipefail
if [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ]; then exit 0; fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends chromium >/dev/null
    exit 0
fi
echo "the tests of the console need Chromium: install it as /usr/bin/chromium, or name it in CHROMIUM" >&2
exit 1
