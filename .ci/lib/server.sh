# Sourced: a server under test, as a script that runs it in the foreground, its
# log and its process id beside it.

# server_write SCRIPT BINARY DATA PORT FEDERATION-PORT [ARGUMENT…]; its name is
# SERVER_NAME, or accept.example.
server_write() {
	local script=$1
	shift
	printf '#!/bin/sh\nexec' >"$script"
	printf " '%s'" "$1" serve --throwaway --server-name "${SERVER_NAME:-accept.example}" --data "$2" \
		--client-listen "127.0.0.1:$3" --federation-listen "127.0.0.1:$4" "${@:5}" >>"$script"
	printf '\n' >>"$script"
	chmod +x "$script"
	printf 'http://127.0.0.1:%s' "$3" >"$script.url"
}

# server_start SCRIPT returns when the server answers.
server_start() {
	"$1" >>"$1.log" 2>&1 &
	echo $! >"$1.pid"
	for _ in $(seq 300); do
		if curl -fs -o /dev/null "$(cat "$1.url")/_matrix/client/versions"; then
			return 0
		fi
		kill -0 "$(cat "$1.pid")" 2>/dev/null || break
		sleep 0.1
	done
	echo 'the server does not start:'
	tail -n 20 "$1.log"
	return 1
}

# server_stop SCRIPT asks the server to end, and waits until it has.
server_stop() {
	local pid
	pid=$(cat "$1.pid")
	kill "$pid"
	for _ in $(seq 300); do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.1
	done
	echo 'the server does not stop'
	return 1
}
