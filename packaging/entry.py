"""The first lines of the single file: they must be understood by any Python, 2.7 included."""

import sys

if sys.version_info < (3, 10):
    sys.stderr.write(
        "dnsbalancer: Python 3.10 or newer is needed and %s is %d.%d: install one (for example "
        "the package python3.11) and run it with that: python3.11 %s\n"
        % (sys.executable, sys.version_info[0], sys.version_info[1], sys.argv[0])
    )
    sys.exit(2)

import boot

sys.exit(boot.begin())
