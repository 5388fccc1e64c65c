#!/usr/bin/env bash
# restart.sh SCRIPT: stops the server and starts it again.
set -euo pipefail
. "$(dirname "$0")/server.sh"
server_stop "$1"
server_start "$1"
