#!/usr/bin/env bash
# crash.sh DIR: kills DIR/plenum under load, 50 times on each engine.
set -euo pipefail
work=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/postgres.sh"
. "$here/server.sh"
(cd "$here/../acceptance/go" && go build -o "$work/crash" ./crash)
"$work/crash" -write "$work/crash.yaml" -bridge 127.0.0.1:18011
[ -d "$work/postgres" ] || postgres_start "$work" >/dev/null
createdb -h "$work/postgres" -U postgres crash
server_write "$work/crash-sqlite" "$work/plenum" "$work/crash-data" 18009 18449 --appservice "$work/crash.yaml"
server_write "$work/crash-postgres" "$work/plenum" "$work/crash-data-pg" 18009 18449 --appservice "$work/crash.yaml" \
	--database "postgres:///crash?host=$work/postgres&user=postgres"
for engine in sqlite postgres; do
	printf '\n-- %s\n' "$engine"
	"$work/crash" -start "$work/crash-$engine 2>>$work/crash-$engine.log" -url http://127.0.0.1:18009 -bridge 127.0.0.1:18011 -kills "${PLENUM_KILLS:-50}"
	if grep -nE 'panic|level=ERROR' "$work/crash-$engine.log"; then
		echo 'the server logged errors'
		exit 1
	fi
done
