#!/usr/bin/env bash
# federate.sh DIR: lets people of DIR/plenum and of a Synapse beside it talk,
# over TLS on this machine.
set -euo pipefail
work=$1/federate
plenum=$1/plenum
here=$(cd "$(dirname "$0")" && pwd)
. "$here/server.sh"
. "$here/synapse.sh"
mkdir -p "$work"

authority_make "$work/ca"
synapse_install "$work/synapse-env"
(cd "$here/../acceptance/go" && CGO_ENABLED=0 go build -o "$work/federation" ./federation)

synapse_write "$work/synapse" "$work/synapse-env" "$work/synapse-data" "$work/ca" 18019 18459
SERVER_NAME=localhost:18458 server_write "$work/serve" "$plenum" "$work/data" 18018 18458 --test-ca "$work/ca"
server_start "$work/synapse"
server_start "$work/serve"
status=0
"$work/federation" -url http://127.0.0.1:18018 -peer http://127.0.0.1:18019 || status=1
server_stop "$work/serve" || status=1
server_stop "$work/synapse" || status=1
if grep -nE 'panic|level=ERROR' "$work/serve.log"; then
	echo 'the server logged errors'
	status=1
fi
if [ $status != 0 ]; then
	tail -n 20 "$work/synapse-data/synapse.log"
fi
exit $status
