# Sourced: a private PostgreSQL server below a folder, reached by a Unix socket.

# postgres_start DIR starts the server and prints its address.
postgres_start() {
	local dir=$1/postgres bin
	bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/postgres | tail -n 1)")
	mkdir -p "$dir"
	local as=()
	if [ "$(id -u)" = 0 ]; then # it refuses to run as root
		chown postgres "$dir"
		as=(setpriv --reuid postgres --regid postgres --clear-groups)
	fi
	"${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C >"$dir.log" 2>&1
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/server.log" -o "-k '$dir' -c listen_addresses=''" start >>"$dir.log" 2>&1
	printf 'postgres:///postgres?host=%s&user=postgres' "$dir"
}

# postgres_stop DIR stops the server started there, if there is one.
postgres_stop() {
	local pidfile=$1/postgres/data/postmaster.pid
	[ -f "$pidfile" ] || return 0
	kill -INT "$(head -n 1 "$pidfile")" 2>/dev/null || true
	for _ in $(seq 100); do
		[ -f "$pidfile" ] || return 0
		sleep 0.1
	done
}
